import { SystemClock } from "../../core/lib/clock.ts";
import { collectStartGarbage } from "../../core/lib/linux/footprint/freed_memory.ts";
import { DenoEngine } from "../engine/deno/deno_engine.ts";
import { serveThread } from "./thread_worker.ts";

const GARBAGE_MS = 12_000;

/** A thread of the proxy on Deno's sockets. Started by `new Worker(…)`, never imported. */
const clock = new SystemClock();
serveThread(new DenoEngine(clock));
collectStartGarbage(clock, GARBAGE_MS);
