import { SystemClock } from "../../core/lib/clock.ts";
import { silentLog } from "../../core/lib/log.ts";
import { CompactableJournal } from "../../core/store/kv/compactable_journal.ts";
import { DiskBallast } from "../../core/store/kv/room/disk_ballast.ts";
import { DiskRoom } from "../../core/store/kv/room/disk_room.ts";
import { KvJournal } from "../../core/store/kv/kv_journal.ts";
import { FileRoom } from "../../core/store/kv/room/file_room.ts";
import { MemoryStore } from "../../core/store/memory_store.ts";
import { keyOf, objectOf } from "./writer_lines.ts";

/** A store in a folder with a `DiskRoom`, as in a server. */
export class GuardedStore {
  readonly store: MemoryStore;
  readonly room: DiskRoom;

  static async open(folder: string): Promise<GuardedStore> {
    const clock = new SystemClock();
    const path = `${folder}/store.kv`;
    const file = new FileRoom(path);
    const ballast = new DiskBallast(`${folder}/store.ballast`);
    const room = new DiskRoom({ ballast, file, clock, log: silentLog(clock), folder });
    const store = await room.opening(async () => {
      const relieve = (error: unknown) => room.relieve(error);
      const journal = new CompactableJournal(await KvJournal.open(path, { clock, relieve }));
      file.use(journal);
      return await MemoryStore.open(room.guard(journal), { gate: room });
    });
    await room.settle();
    return new GuardedStore(store, room);
  }

  private constructor(store: MemoryStore, room: DiskRoom) {
    this.store = store;
    this.room = room;
  }

  async put(name: string, bytes: number): Promise<void> {
    const value = objectOf(name, { writer: 0, sequence: 0, sizes: { [name]: bytes } });
    await this.store.commit([{ key: keyOf(name), value, expected: this.#revisionOf(name) }]);
  }

  async remove(name: string): Promise<void> {
    await this.store.commit([{
      key: keyOf(name),
      value: undefined,
      expected: this.#revisionOf(name),
    }]);
  }

  /** Puts `NAME0`, `NAME1`, …, until one is refused. Resolves with the refusal and the names that were taken. */
  async putUntilRefused(name: string, bytes: number): Promise<{ names: string[]; error: unknown }> {
    const names: string[] = [];
    for (let i = 0;; i++) {
      try {
        await this.put(`${name}${i}`, bytes);
        names.push(`${name}${i}`);
      } catch (error) {
        return { names, error };
      }
    }
  }

  async close(): Promise<void> {
    await this.store.close();
    await this.room.close();
  }

  #revisionOf(name: string): number {
    return this.store.newest(keyOf(name))?.revision ?? 0;
  }
}
