import { KvJournal } from "../../core/store/kv_journal.ts";
import { MemoryStore } from "../../core/store/memory_store.ts";

/** What lies in a store's file, read without the store. */
export interface FileFacts {
  faults: readonly string[];
  /** Chunks that no row refers to. */
  orphans: number;
}

/** Reads a file that no process has open: each pointer has its chunks, no version is above the counter, no page is broken. */
export async function inspect(path: string): Promise<FileFacts> {
  const faults = await brokenPages(path);
  const kv = await Deno.openKv(path);
  try {
    const chunks = new Set<string>();
    for await (const { key: [, blob, n] } of kv.list({ prefix: ["b"] })) {
      chunks.add(`${String(blob)}/${String(n)}`);
    }
    const head = (await kv.get<number>(["m", "head"])).value ?? 0;
    for await (const { key, value } of kv.list<Uint8Array>({ prefix: ["o"] })) {
      const json = JSON.parse(new TextDecoder().decode(value.subarray(1)));
      if (value[0] === 2) {
        for (let i = 0; i < json.chunks; i++) {
          if (!chunks.delete(`${json.blob}/${i}`)) {
            faults.push(`${key.join("/")} has no part ${i}`);
          }
        }
      } else if (Number(json.metadata.resourceVersion) > head) {
        faults.push(`${key.join("/")} is newer than the counter`);
      }
    }
    return { faults, orphans: chunks.size };
  } finally {
    kv.close();
  }
}

/** Opens the store as the next server would, and gives it up again. */
export async function withStore<T>(path: string, look: (store: MemoryStore) => T): Promise<T> {
  const store = await MemoryStore.open(await KvJournal.open(path), { freezing: "none" });
  try {
    return await look(store);
  } finally {
    await store.close();
  }
}

async function brokenPages(path: string): Promise<string[]> {
  const { DatabaseSync } = await import("node:sqlite");
  const database = new DatabaseSync(path);
  try {
    const rows = database.prepare("PRAGMA integrity_check").all();
    return rows.map(({ integrity_check }) => String(integrity_check)).filter((text) =>
      text !== "ok"
    );
  } finally {
    database.close();
  }
}
