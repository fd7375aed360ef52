import type { Revision, Store } from "../../core/store/store.ts";
import {
  type Attempt,
  keyOf,
  type Line,
  type Outcome,
  RESOURCE,
  textIn,
  textOf,
} from "./writer_lines.ts";

/** What an object must look like. */
interface Held {
  text: string;
  /** `undefined` when it is not known; then any new one will do. */
  revision: Revision | undefined;
}
type State = ReadonlyMap<string, Held>;

/** What can be seen of a store. */
export type Shown = Pick<Store, "revision" | "get" | "list">;

/** The result of one killed writer process. */
export interface Finding {
  faults: readonly string[];
  acknowledged: number;
  /** Commits that turned out to be durable although they were not acknowledged. */
  keptUntold: number;
}

/**
 * What was acknowledged, over all processes that wrote to one store. After each it is compared with what the
 * next one reads: each writer's objects must be as after its last acknowledged commit, or as after the one
 * that was under way; nothing between, and nothing else.
 */
export class Ledger {
  #held: Map<string, Held> = new Map();
  /** The highest revision that anybody has seen. */
  #seen: Revision = 0;

  /** A copy with the same entries. */
  copy(): Ledger {
    const copy = new Ledger();
    copy.#held = new Map(this.#held);
    copy.#seen = this.#seen;
    return copy;
  }

  /** Compares what the process said with what `store`, opened after its end, holds. */
  settle(lines: readonly Line[], store: Shown): Finding {
    const faults: string[] = [];
    const before = this.#seen;
    const underWay = new Map<number, Attempt>();
    let acknowledged = 0;
    for (const line of lines) {
      if ("refused" in line) faults.push(`the writer gave up: ${line.refused}`);
      else if ("ready" in line) faults.push(...this.#faultsOfStart(line.ready));
      else if ("attempt" in line) underWay.set(line.attempt.writer, line.attempt);
      else {
        faults.push(...this.#acknowledge(underWay.get(line.done.writer)!, line.done, before));
        underWay.delete(line.done.writer);
        acknowledged++;
      }
    }
    const kept = [...underWay.values()].filter((attempt) => this.#isKept(attempt, store));
    faults.push(...this.#faultsIn(store), ...this.#faultsOfStart(store.revision));
    this.#adopt(store);
    return { faults, acknowledged, keptUntold: kept.length };
  }

  #faultsOfStart(revision: Revision): string[] {
    if (revision >= this.#seen) return [];
    return [`the store starts at revision ${revision}, but ${this.#seen} has been seen`];
  }

  #acknowledge(attempt: Attempt, { revisions }: Outcome, before: Revision): string[] {
    this.#held = new Map(after(this.#held, attempt, revisions));
    const given = Object.values(revisions).filter((revision) => revision > 0);
    this.#seen = Math.max(this.#seen, ...given);
    return given.filter((revision) => revision <= before)
      .map((revision) => `revision ${revision} was given out again`);
  }

  /** Whether the unacknowledged commit is there. If so, it counts from now on. */
  #isKept(attempt: Attempt, store: Shown): boolean {
    const next = after(this.#held, attempt, {});
    const isThere = Object.keys(attempt.sizes).every((name) => {
      const entry = store.get(keyOf(name));
      return (entry && textIn(entry.object)) === next.get(name)?.text;
    });
    if (isThere) this.#held = new Map(next);
    return isThere;
  }

  #faultsIn(store: Shown): string[] {
    const faults: string[] = [];
    const there = new Map(store.list([RESOURCE]).map((entry) => [entry.key[2], entry]));
    for (const [name, { text, revision }] of this.#held) {
      const entry = there.get(name);
      if (!entry) faults.push(`"${name}" is lost`);
      else if (textIn(entry.object) !== text) {
        faults.push(`"${name}" holds ${start(textIn(entry.object))}, not ${start(text)}`);
      } else if (revision !== undefined && entry.revision !== revision) {
        faults.push(`"${name}" is at revision ${entry.revision}, not ${revision}`);
      }
    }
    for (const [name, entry] of there) {
      if (!this.#held.has(name)) faults.push(`"${name}" was removed and is there`);
      if (entry.revision > store.revision) faults.push(`"${name}" is newer than the store`);
    }
    return faults;
  }

  /** Notes what is there now as seen. */
  #adopt(store: Shown): void {
    this.#held = new Map(
      store.list([RESOURCE]).map(({ key, object, revision }) => {
        this.#seen = Math.max(this.#seen, revision);
        return [key[2], { text: textIn(object), revision }];
      }),
    );
    this.#seen = Math.max(this.#seen, store.revision);
  }
}

function after(
  state: State,
  attempt: Attempt,
  revisions: Readonly<Record<string, Revision>>,
): State {
  const next = new Map(state);
  for (const [name, size] of Object.entries(attempt.sizes)) {
    if (size === 0) next.delete(name);
    else next.set(name, { text: textOf(name, attempt), revision: revisions[name] });
  }
  return next;
}

function start(text: string): string {
  return `"${text.slice(0, 24)}…" (${text.length} bytes)`;
}
