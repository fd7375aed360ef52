import { Random } from "../../core/lib/random.ts";
import type { Change, Revision, Store } from "../../core/store/store.ts";
import { type Attempt, keyOf, type Line, objectOf } from "./writer_lines.ts";

const WRITERS = 64;
const HOT_PER_WRITER = 3;
/** Objects that are rarely rewritten, while the log goes round. */
const COLD_PER_WRITER = 10;
const COLD_SHARE = 0.02;
const SMALL_BYTES_MIN = 32;
const SMALL_BYTES_MAX = 2_000;
const LARGE_BYTES_MIN = 100 * 1024;
const LARGE_BYTES_MAX = 1024 * 1024;
/** Share of the writes that are large enough for chunks. */
const LARGE_SHARE = 0.005;
const REMOVED_SHARE = 0.2;
const PAIR_SHARE = 0.3;
/** Attempts of one run of a writer; the next run, with a higher seed, goes on above them. */
const SEQUENCES_PER_SEED = 1_000_000;

/**
 * Writes with many writers at once, and reports each commit before and after it. Resolves, after reporting why, when one is
 * refused. `seed`: higher than that of any earlier run on the same store.
 */
export async function writeUntilRefused(
  store: Store,
  { seed, onDone = () => {} }: { seed: number; onDone?(): void },
): Promise<void> {
  refuseDisorder(store);
  const writers = Array.from(
    { length: WRITERS },
    (_, writer) => write(store, { writer, seed, onDone }),
  );
  await Promise.race(writers).catch((error: Error) => say({ refused: error.message }));
}

/** One writer: one commit at a time, each of its own objects, for ever. */
async function write(
  store: Store,
  { writer, seed, onDone }: { writer: number; seed: number; onDone(): void },
): Promise<never> {
  const random = new Random(seed * WRITERS + writer);
  for (let sequence = seed * SEQUENCES_PER_SEED;; sequence++) {
    const attempt = { writer, sequence, sizes: someSizes(store, writer, random) };
    say({ attempt });
    say({ done: { writer, sequence, revisions: await carriedOut(store, attempt) } });
    onDone();
  }
}

/** The revisions that it got. */
async function carriedOut(store: Store, attempt: Attempt): Promise<Record<string, Revision>> {
  const changes = changesOf(store, attempt);
  const entries = await store.commit(changes);
  return Object.fromEntries(changes.map(({ key }, i) => [key[2], entries[i]?.revision ?? 0]));
}

function someSizes(store: Store, writer: number, random: Random): Record<string, number> {
  const chosen = random.shuffled(someNames(writer, random)).slice(
    0,
    random.chance(PAIR_SHARE) ? 2 : 1,
  );
  return Object.fromEntries(chosen.map((name) => {
    const exists = store.get(keyOf(name)) !== undefined;
    return [name, exists && random.chance(REMOVED_SHARE) ? 0 : someSize(random)];
  }));
}

function someNames(writer: number, random: Random): string[] {
  const [length, kind] = random.chance(COLD_SHARE)
    ? [COLD_PER_WRITER, "cold"] as const
    : [HOT_PER_WRITER, "hot"] as const;
  return Array.from({ length }, (_, i) => `w${writer}-${kind}-${i}`);
}

function someSize(random: Random): number {
  if (!random.chance(LARGE_SHARE)) return between(SMALL_BYTES_MIN, SMALL_BYTES_MAX, random);
  return between(LARGE_BYTES_MIN, LARGE_BYTES_MAX, random);
}

function between(min: number, max: number, random: Random): number {
  return min + random.integer(max - min);
}

function changesOf(store: Store, attempt: Attempt): Change[] {
  return Object.entries(attempt.sizes).map(([name, size]) => ({
    key: keyOf(name),
    value: size === 0 ? undefined : objectOf(name, attempt),
    expected: store.get(keyOf(name))?.revision ?? 0,
  }));
}

/** What becomes visible is newer than all before. */
function refuseDisorder(store: Store): void {
  let last = store.revision;
  store.subscribe([], ({ revision }) => {
    if (revision <= last) {
      say({ refused: `revision ${revision} became visible after ${last}` });
      Deno.exit(1);
    }
    last = revision;
  });
}

/** Synchronous, so that the line outlives the process. */
export function say(line: Line): void {
  const bytes = new TextEncoder().encode(`${JSON.stringify(line)}\n`);
  for (let sent = 0; sent < bytes.length;) sent += Deno.stdout.writeSync(bytes.subarray(sent));
}
