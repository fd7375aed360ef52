import { SystemClock } from "../../core/lib/clock.ts";
import { testEngine } from "./engine_contract.ts";
import { MemoryEngine } from "./memory_engine_fixture.ts";

testEngine("in memory", () => new MemoryEngine(new SystemClock()));
