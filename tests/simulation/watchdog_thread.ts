/// <reference lib="deno.worker" />
/** The thread of `Watchdog`: waits for the next seed, and ends the process when none comes. Started by `new Worker(…)`. */
export interface SeedBegun {
  seed: number;
  /** Real time that it may take. */
  msMax: number;
}

let timer: ReturnType<typeof setTimeout> | undefined;

self.onmessage = ({ data }: MessageEvent<SeedBegun>) => {
  clearTimeout(timer);
  timer = setTimeout(() => end(data), data.msMax);
};

function end({ seed, msMax }: SeedBegun): void {
  const text = `BAD ${seed}: loops without time going on, for ${msMax / 1_000} s now\n`;
  Deno.stdout.writeSync(new TextEncoder().encode(text));
  Deno.kill(Deno.pid, "SIGKILL"); // `Deno.exit` ends just this thread
}
