/**
 * Writes to a store until it is killed, and reports each commit on stdout before and after it:
 *
 *     deno run -A tests/crash/writer.ts FILE SEED ACKNOWLEDGED_MAX FAULT
 *
 * It kills itself after `ACKNOWLEDGED_MAX` commits. `FAULT` is one that is planted in the journal, to see that it is
 * found, or empty.
 */
import { KvJournal } from "../../core/store/kv/kv_journal.ts";
import { MemoryStore } from "../../core/store/memory_store.ts";
import { FaultyJournal, PLANTED_FAULTS } from "./faulty_journal.ts";
import { say, writeUntilRefused } from "./many_writers.ts";

if (import.meta.main) await main(Deno.args as [string, string, string, string]);

async function main(
  [path, seed, acknowledgedMax, fault]: [string, string, string, string],
): Promise<void> {
  const planted = PLANTED_FAULTS.find((each) => each === fault);
  const journal = await KvJournal.open(path);
  const store = await MemoryStore.open(planted ? new FaultyJournal(journal, planted) : journal);
  say({ ready: store.revision });
  let left = Number(acknowledgedMax);
  const onDone = () => {
    if (--left <= 0) Deno.kill(Deno.pid, "SIGKILL");
  };
  await writeUntilRefused(store, { seed: Number(seed), onDone });
  Deno.exit(1);
}
