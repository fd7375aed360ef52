import { SystemClock } from "../../../core/lib/clock.ts";
import { testEngine } from "../engine_contract.ts";
import { DenoEngine } from "./deno_engine.ts";

testEngine("Deno's sockets", () => new DenoEngine(new SystemClock()));
