/// <reference lib="deno.worker" />
/** For the thread of `Watchdog`, which ends the process when no next seed begins in time. Run by `new Worker(…)`. */
export interface SeedBegun {
  seed: number;
  /** Real time that the seed may take. */
  msMax: number;
}

let timer: ReturnType<typeof setTimeout> | undefined;

self.onmessage = ({ data }: MessageEvent<SeedBegun>) => {
  clearTimeout(timer);
  timer = setTimeout(() => end(data), data.msMax);
};

function end({ seed, msMax }: SeedBegun): void {
  const text = `BAD ${seed}: loops while virtual time stands still, for ${msMax / 1_000} s now\n`;
  Deno.stdout.writeSync(new TextEncoder().encode(text));
  Deno.kill(Deno.pid, "SIGKILL"); // `Deno.exit` would end only this thread
}
