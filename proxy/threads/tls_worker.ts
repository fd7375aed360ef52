import { SystemClock } from "../../core/lib/clock.ts";
import { collectStartGarbage } from "../../core/lib/linux/footprint/freed_memory.ts";
import { Openssl } from "../../core/lib/linux/openssl.ts";
import { DenoEngine } from "../engine/deno/deno_engine.ts";
import { tlsReceiver } from "./tls_receiver.ts";
import { serveThread } from "./thread_worker.ts";

const GARBAGE_MS = 12_000;

/** The thread of the proxy whose clients speak TLS. Started by `new Worker(…)`, never imported. */
const clock = new SystemClock();
const openssl = Openssl.open();
serveThread(
  new DenoEngine(clock),
  "missing" in openssl
    ? openssl
    : { receiver: (definition, parts) => tlsReceiver(definition, { ...parts, openssl }) },
);
collectStartGarbage(clock, GARBAGE_MS);
