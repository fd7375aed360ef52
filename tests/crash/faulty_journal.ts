import {
  type Batch,
  type BlobId,
  type BlobOf,
  DENO_KV_LIMITS,
  type Journal,
  type JournalLimits,
  type Loaded,
} from "../../core/store/journal.ts";
import type { Revision } from "../../core/store/store.ts";
import { later } from "../eventually.ts";

/** `hasty`: reports a batch as durable before it is. `torn`: writes a batch in two steps. */
export const PLANTED_FAULTS = ["hasty", "torn"] as const;
export type PlantedFault = typeof PLANTED_FAULTS[number];

const LATE_MS = 5;

/** A journal with a fault that the suite must find. */
export class FaultyJournal implements Journal {
  readonly limits: JournalLimits = DENO_KV_LIMITS;
  readonly #inner: Journal;
  readonly #fault: PlantedFault;
  #last: Promise<void> = Promise.resolve();

  constructor(inner: Journal, fault: PlantedFault) {
    this.#inner = inner;
    this.#fault = fault;
  }

  async commit(batch: Batch): Promise<void> {
    if (this.#fault === "hasty") {
      this.#last = this.#last.then(() => later(LATE_MS)).then(() => this.#inner.commit(batch));
      return;
    }
    const isFirst = ({ key }: Batch["writes"][number]) => key[2].endsWith("-0");
    const [first, second] = [batch.writes.filter(isFirst), batch.writes.filter((w) => !isFirst(w))];
    await this.#inner.commit({ ...batch, writes: first });
    await later(LATE_MS);
    await this.#inner.commit({ ...batch, writes: second });
  }

  load(): Promise<Loaded> {
    return this.#inner.load();
  }

  blob(bytes: Uint8Array, of: BlobOf): Promise<BlobId> {
    return this.#inner.blob(bytes, of);
  }

  revision(): Promise<Revision> {
    return this.#inner.revision();
  }

  backup(path: string): Promise<void> {
    return this.#inner.backup(path);
  }

  close(): Promise<void> {
    return this.#inner.close();
  }
}
