import { later } from "../eventually.ts";
import { type ActName, doOnce, type Tally, type Target } from "./stranger_acts.ts";

/** The instructions for a process of strangers, on its standard input. */
export interface Plan {
  target: Target;
  /** Number of concurrent connections for each act. */
  crowd: Partial<Record<ActName, number>>;
  seconds: number;
  /** Delay before a closed connection is opened again; 100 by default, because handshakes cost strangers time too. */
  againMs?: number;
}

/** The result for each act, on its standard output. */
export type Tallies = Partial<Record<ActName, Tally>>;

const AGAIN_MS = 100;
/** Between the starts of two connections. */
const STAGGER_MS = 2;
/** How long connections may take to close. */
const END_MS_MAX = 2_000;

if (import.meta.main) {
  const plan: Plan = JSON.parse(await new Response(Deno.stdin.readable).text());
  const tallies = await doWorst(plan);
  await Deno.stdout.write(new TextEncoder().encode(JSON.stringify(tallies)));
  Deno.exit(0);
}

async function doWorst({ target, crowd, seconds, againMs = AGAIN_MS }: Plan): Promise<Tallies> {
  const signal = AbortSignal.timeout(seconds * 1_000);
  const tallies: Tallies = {};
  const all = Object.entries(crowd).flatMap(([key, count]) => {
    const name = key as ActName;
    const tally = tallies[name] = { connections: 0, sentBytes: 0, receivedBytes: 0 };
    return Array.from({ length: count }, async (_, index) => {
      await later(index * STAGGER_MS);
      await keepDoing(name, { target, tally, signal, againMs });
    });
  });
  await Promise.race([Promise.all(all), later(seconds * 1_000 + END_MS_MAX)]);
  return tallies;
}

async function keepDoing(
  name: ActName,
  context: { target: Target; tally: Tally; signal: AbortSignal; againMs: number },
): Promise<void> {
  while (!context.signal.aborted) {
    await doOnce(name, context).catch(() => {}); // refused or cut off: try again
    await later(context.againMs);
  }
}
