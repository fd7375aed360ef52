import { VirtualClock } from "../lib/virtual_clock.ts";
import { Random } from "../lib/random.ts";
import { RESOURCES } from "../resources/mod.ts";
import type { Journal } from "../store/journal.ts";
import { MemoryJournal } from "../store/memory_journal.ts";
import { MemoryStore } from "../store/memory_store.ts";
import { bootstrap } from "./bootstrap.ts";
import { LocalClient } from "./local_client.ts";
import { Objects } from "./objects.ts";

/** A fresh cluster's objects in memory, with a clock that stands still, for tests. */
export async function freshObjects(
  { journal = new MemoryJournal(), hasAccounts = false }: {
    journal?: Journal;
    hasAccounts?: boolean;
  } = {},
): Promise<{ objects: Objects; client: LocalClient; clock: VirtualClock }> {
  const store = await MemoryStore.open(journal, { resources: RESOURCES });
  const clock = new VirtualClock(Date.parse("2026-01-01T00:00:00Z"));
  const objects = new Objects({ store, clock, random: new Random(1), hasAccounts });
  await bootstrap(objects, { apiAddress: "127.0.0.1", apiPort: 6443 });
  return { objects, client: new LocalClient(objects), clock };
}
