import { type LinkQuality, Shaping } from "./shaping.ts";
import { Tap, TapCalls } from "./tap.ts";

export interface LinkOptions {
  /** A process in the router's namespace, where its end is called `wan`. */
  routerPid: number;
  /** The name of the end on this machine. */
  port: string;
  quality: LinkQuality;
}

const POLLIN = 1;
const POLL_MS_MAX = 1_000;
/** Frames that are read from one end before the other has its turn. */
const FRAMES_MAX = 64;

interface Travelling {
  frame: Uint8Array<ArrayBuffer>;
  arrivalMs: number;
}

/** One direction: its frames arrive in the order in which they were sent. */
class Direction {
  readonly #from: Tap;
  readonly #to: Tap;
  readonly #shaping: Shaping;
  #travelling: Travelling[] = [];

  constructor(from: Tap, to: Tap, shaping: Shaping) {
    this.#from = from;
    this.#to = to;
    this.#shaping = shaping;
  }

  /** When something arrives next. */
  get nextMs(): number {
    return this.#travelling[0]?.arrivalMs ?? Infinity;
  }

  take(nowMs: number): void {
    for (let count = 0; count < FRAMES_MAX; count++) {
      const frame = this.#from.read();
      if (frame === undefined) return;
      const arrivalMs = this.#shaping.arrivalMs(nowMs, frame.length);
      if (arrivalMs !== undefined) this.#travelling.push({ frame, arrivalMs });
    }
  }

  deliver(nowMs: number): void {
    const { length } = this.#travelling;
    let count = 0;
    while (count < length && this.#travelling[count]!.arrivalMs <= nowMs) {
      this.#to.write(this.#travelling[count++]!.frame);
    }
    if (count > 0) this.#travelling = this.#travelling.slice(count);
  }
}

/**
 * The cable between a router and the internet, in user space: a device at each end, and frames that pass between them as
 * the link's quality says. Never resolves.
 */
export async function carry({ routerPid, port, quality }: LinkOptions): Promise<void> {
  const calls = new TapCalls();
  const inside = new Tap(calls, { name: "wan", namespace: `/proc/${routerPid}/ns/net` });
  const outside = new Tap(calls, { name: port, namespace: "/proc/self/ns/net" });
  const shaping = () => new Shaping(quality, Math.random);
  const directions = [
    new Direction(inside, outside, shaping()),
    new Direction(outside, inside, shaping()),
  ];
  await Deno.stdout.write(new TextEncoder().encode("ready\n"));
  const polled = new Int32Array([inside.descriptor, POLLIN, outside.descriptor, POLLIN]);
  for (;;) {
    const nowMs = performance.now();
    for (const direction of directions) direction.take(nowMs);
    for (const direction of directions) direction.deliver(performance.now());
    const nextMs = Math.min(...directions.map(({ nextMs }) => nextMs)) - performance.now();
    const waitMs = Math.max(0, Math.min(POLL_MS_MAX, Math.ceil(nextMs)));
    polled[1] = polled[3] = POLLIN;
    await calls.libc.calls.poll(new Uint8Array(polled.buffer), 2n, waitMs);
  }
}
