import { KvJournal } from "../../core/store/kv/kv_journal.ts";
import { segmentsIn } from "../../core/store/kv/kv_layout.ts";
import { MemoryStore } from "../../core/store/memory_store.ts";
import { checkStore } from "../../core/store/kv/store_check.ts";

/** The contents of a store's file, read without the store. */
export interface FileFacts {
  faults: readonly string[];
  /** Chunks that no record refers to. */
  orphans: number;
}

/** Looks at a file that no process has open, as `coracle store check` does. A missing file counts as fine. */
export async function inspect(path: string): Promise<FileFacts> {
  const isThere = await Deno.stat(path).then(() => true, () => false);
  if (!isThere) return { faults: [], orphans: 0 };
  const { problems, orphans } = await checkStore(path);
  return { faults: problems, orphans };
}

/** Number of the oldest segment in a file that no process has open: it grows when the log is cleaned. */
export async function oldestSegment(path: string): Promise<number> {
  using kv = await Deno.openKv(path);
  const oldest = await segmentsIn(kv, "oldest first").next();
  if (oldest.done) throw new Error(`"${path}" has no segments`);
  return oldest.value.number;
}

/** Opens the store as the next server would, and closes it again. */
export async function withStore<T>(path: string, look: (store: MemoryStore) => T): Promise<T> {
  const store = await MemoryStore.open(await KvJournal.open(path), { freezing: "none" });
  try {
    return await look(store);
  } finally {
    await store.close();
  }
}
