/// <reference lib="deno.worker" />
import { cpuUsage } from "node:process";

/** For the thread of `Watchdog`, which ends the process when no next seed begins in time. Run by `new Worker(…)`. */
export interface SeedBegun {
  seed: number;
  /** CPU time that the seed may take. */
  msMax: number;
}

/** A seed that takes this many times more real time than CPU time waits for something that never comes. */
const REAL_TIME_FACTOR = 20;
const CHECKS_PER_LIMIT = 20;

let timer: ReturnType<typeof setInterval> | undefined;

self.onmessage = ({ data }: MessageEvent<SeedBegun>) => {
  clearInterval(timer);
  const [startMs, startCpuMs] = [performance.now(), cpuMs()];
  timer = setInterval(() => {
    const takesCpu = cpuMs() - startCpuMs > data.msMax;
    if (takesCpu || performance.now() - startMs > REAL_TIME_FACTOR * data.msMax) end(data);
  }, data.msMax / CHECKS_PER_LIMIT);
};

/** CPU time of the process: on a busy machine a seed gets little of it, and no seed fails for that. */
function cpuMs(): number {
  const { user, system } = cpuUsage();
  return (user + system) / 1_000;
}

function end({ seed, msMax }: SeedBegun): void {
  const text = `BAD ${seed}: loops while virtual time stands still, for ${msMax / 1_000} s now\n`;
  Deno.stdout.writeSync(new TextEncoder().encode(text));
  Deno.kill(Deno.pid, "SIGKILL"); // `Deno.exit` would end only this thread
}
