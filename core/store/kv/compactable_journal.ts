import type { Batch, BlobId, BlobOf, Journal, JournalLimits, Loaded } from "../journal.ts";
import type { Revision } from "../store.ts";

/** A journal that can trim its log step by step; `trim` returns whether more is left to do. */
export interface TrimmableJournal extends Journal {
  /** `slackBytes`: how many dead bytes the log may always hold; the journal's own default when absent. */
  trim(slackBytes?: number): Promise<boolean>;
}

/** A journal whose file can be compacted while in use: writes wait until it is done, reads do not need the journal. */
export class CompactableJournal implements Journal {
  readonly limits: JournalLimits;
  readonly #journal: TrimmableJournal;
  #compacting: Promise<unknown> | undefined;
  #underWay: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  constructor(journal: TrimmableJournal) {
    this.limits = journal.limits;
    this.#journal = journal;
  }

  /**
   * Runs `act` while nothing is written. Rejects when it does; the journal goes on in any case. Does nothing once the
   * journal is closed: the file may be somebody else's by then.
   */
  async compact(act: () => Promise<void>): Promise<void> {
    if (!this.#isClosed) await this.#alone(act);
  }

  /**
   * One step of trimming; returns whether more is left to do: nothing once the journal is closed. Writes wait for one
   * step only.
   */
  async trim(slackBytes?: number): Promise<boolean> {
    if (this.#isClosed) return false;
    return await this.#alone(() => this.#journal.trim(slackBytes));
  }

  load(): Promise<Loaded> {
    return this.#journal.load();
  }

  commit(batch: Batch): Promise<void> {
    return this.#do(() => this.#journal.commit(batch));
  }

  blob(bytes: Uint8Array, of: BlobOf): Promise<BlobId> {
    return this.#do(() => this.#journal.blob(bytes, of));
  }

  revision(): Promise<Revision> {
    return this.#do(() => this.#journal.revision());
  }

  backup(path: string): Promise<void> {
    return this.#journal.backup(path);
  }

  /** What has begun ends first. */
  close(): Promise<void> {
    this.#isClosed = true;
    return this.#do(() => this.#journal.close());
  }

  async #alone<T>(act: () => Promise<T>): Promise<T> {
    const before = Promise.all([this.#underWay, this.#compacting?.catch(() => {})]);
    const compacting = before.then(act);
    this.#compacting = compacting;
    try {
      return await compacting;
    } finally {
      if (this.#compacting === compacting) this.#compacting = undefined;
    }
  }

  #do<T>(act: () => Promise<T>): Promise<T> {
    const doing = this.#compacting ? this.#compacting.then(act, act) : act();
    this.#underWay = doing.catch(() => {}); // its caller is told
    return doing;
  }
}

/** Compacts a store's file in a thread of its own. Nobody may write meanwhile. */
export async function compactAside(path: string): Promise<void> {
  const worker = new Worker(new URL("./compaction_worker.ts", import.meta.url), { type: "module" });
  const answer = Promise.withResolvers<{ problem?: string }>();
  worker.onmessage = ({ data }) => answer.resolve(data);
  worker.onerror = (event) => {
    event.preventDefault();
    answer.resolve({ problem: event.message });
  };
  worker.postMessage(path);
  const { problem } = await answer.promise;
  worker.terminate();
  if (problem !== undefined) throw new Error(problem);
}
