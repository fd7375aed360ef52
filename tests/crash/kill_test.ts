/**
 * What a store keeps when its process is killed:
 *
 *     deno task crash                  20 rounds
 *     ROUNDS=1000 deno task crash      more of them
 *     SEED=42 deno task crash          other moments
 */
import assert from "node:assert/strict";
import { Random } from "../../core/lib/random.ts";
import { PLANTED_FAULTS } from "./faulty_journal.ts";
import { inTemporaryFolder } from "./folders.ts";
import { killWriters, type Tally } from "./rounds.ts";

const ROUNDS_DEFAULT = 20;
/** A planted fault must be found within this many rounds. */
const ROUNDS_TO_FIND_MAX = 30;

const rounds = Number(Deno.env.get("ROUNDS") ?? ROUNDS_DEFAULT);
const seed = Number(Deno.env.get("SEED") ?? 1);

Deno.test(`${rounds} times kill -9 under 64 writers loses nothing that was acknowledged`, () =>
  inTemporaryFolder(async (folder) => {
    const startedAt = performance.now();
    const tally = await killWriters(`${folder}/store.kv`, { rounds, random: new Random(seed) });
    report(tally, performance.now() - startedAt);
    assert.deepEqual(tally.faults.slice(0, 10), []);
    assert.ok(tally.acknowledged > rounds, "the writers wrote");
  }));

for (const planted of PLANTED_FAULTS) {
  Deno.test(`a journal that is ${planted} is found`, () =>
    inTemporaryFolder(async (folder) => {
      const { faults } = await killWriters(`${folder}/store.kv`, {
        rounds: ROUNDS_TO_FIND_MAX,
        random: new Random(seed),
        planted,
      });
      assert.match(faults.join("\n"), /is lost|holds|was removed and is there/);
    }));
}

function report(tally: Tally, tookMs: number): void {
  const text = `${tally.rounds} rounds in ${(tookMs / 1000).toFixed(1)} s: ` +
    `${tally.acknowledged} acknowledged, ${tally.keptUntold} kept untold, ` +
    `${tally.orphansSwept} orphaned chunks swept, ${tally.faults.length} faults\n`;
  Deno.stdout.writeSync(new TextEncoder().encode(text));
}
