import { later } from "../eventually.ts";
import { type ActName, doOnce, type Tally, type Target } from "./stranger_acts.ts";

/** What a process of strangers is told on its standard input. */
export interface Plan {
  target: Target;
  /** How many connections do what, all at once. */
  crowd: Partial<Record<ActName, number>>;
  seconds: number;
  /** Before a connection that was ended is opened again; 100 unless given: handshakes are work for strangers too. */
  againMs?: number;
}

/** What came of it, for each act, on its standard output. */
export type Tallies = Partial<Record<ActName, Tally>>;

const AGAIN_MS = 100;
/** From one connection's beginning to the next one's. */
const STAGGER_MS = 2;
/** What connections are given to end. */
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
    await doOnce(name, context).catch(() => {}); // refused or cut off: once more
    await later(context.againMs);
  }
}
