import type { ServerProcess } from "../server_process.ts";

/** Asks for `/livez` without a pause, and notes the longest wait: so long the server's loop was blocked. */
export class LivezMeter {
  #worstMs = 0;
  readonly #stop = new AbortController();
  #running = Promise.resolve();

  static async start(server: ServerProcess): Promise<LivezMeter> {
    const ca = await Deno.readTextFile(`${server.dataFolder}/ca.crt`);
    const meter = new LivezMeter();
    meter.#running = meter.#ask(`${server.address}/livez`, ca);
    return meter;
  }

  /** The longest wait while `act` runs; the least of several tries, until one is below `enoughMs`. */
  async leastOf(
    { tries, enoughMs }: { tries: number; enoughMs: number },
    act: () => Promise<void>,
  ): Promise<number> {
    let leastMs = Infinity;
    for (let left = tries; left > 0 && leastMs >= enoughMs; left--) {
      this.#worstMs = 0;
      await act();
      leastMs = Math.min(leastMs, this.#worstMs);
      if (leastMs >= enoughMs) await new Promise((resolve) => setTimeout(resolve, 500)); // until others are done
    }
    return leastMs;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #ask(url: string, ca: string): Promise<void> {
    using client = Deno.createHttpClient({ caCerts: [ca] });
    while (!this.#stop.signal.aborted) {
      const startedAt = performance.now();
      await (await fetch(url, { client })).text();
      this.#worstMs = Math.max(this.#worstMs, Math.round(performance.now() - startedAt));
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }
}

/** What a process holds of the memory, now and at most so far, in megabytes. */
export function memoryMb(pid: number): { now: number; peak: number } {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  const kilobytes = (name: string) =>
    Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1]);
  return { now: kilobytes("VmRSS") / 1024, peak: kilobytes("VmHWM") / 1024 };
}
