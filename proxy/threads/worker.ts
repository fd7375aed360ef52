import { SystemClock } from "../../core/lib/clock.ts";
import { DenoEngine } from "../engine/deno/deno_engine.ts";
import { serveThread } from "./thread_worker.ts";

/** A thread of the proxy on Deno's sockets. Started by `new Worker(…)`, never imported. */
serveThread(new DenoEngine(new SystemClock()));
