import assert from "node:assert/strict";
import { SystemClock } from "../lib/clock.ts";
import { silentLog } from "../lib/log.ts";
import { settled } from "../lib/virtual_clock.ts";
import { Contender } from "./contender.ts";
import { MemoryJournal } from "./memory_journal.ts";
import { MemoryStore } from "./memory_store.ts";
import type { Observation, Owner, SeenWrite, SharedEngine, Tenure } from "./shared_engine.ts";
import { notes } from "./store_contract.ts";
import { ExpiredError } from "./store.ts";

const clock = new SystemClock();
const other: Owner = { id: "other", address: "https://other" };
const self: Owner = { id: "self", address: "https://self" };

Deno.test("a server that has claimed leads only when it has seen all that was written before", async () => {
  const { store, contender, tell, run } = contending({ claimRevision: 2 });
  await tell({ loaded: { revision: 0, rows: [] } }, { owner: other });
  await contender.settled;
  await tell({ batch: { revision: 1, writes: [seen("a", 1)] } }, { owner: undefined });
  assert.equal(contender.tenure, undefined);
  assert.equal(store.revision, 1);
  await tell({ batch: { revision: 2, writes: [seen("b", 2)] } });
  await run;
  assert.ok(contender.tenure);
  assert.deepEqual(store.list(["notes"]).map(({ key }) => key[2]), ["a", "b"]);
  assert.ok(store.revision > 2, "revisions that the owner may have used are not given out again");
});

Deno.test("a server whose claim comes second goes on following", async () => {
  const { contender, tell, run, stop } = contending({ claimRevision: undefined });
  await tell({ loaded: { revision: 0, rows: [] } }, { owner: undefined }, { owner: other });
  await contender.settled;
  assert.equal(contender.tenure, undefined);
  assert.equal(contender.owner, other);
  stop();
  await assert.rejects(run);
});

Deno.test("a server that is asked to end while it claims gives up what it gets", async () => {
  const answered = Promise.withResolvers<void>();
  const { engine, contender, tell, run, stop } = contending({
    ...{ claimRevision: 0, claimedWhen: answered.promise },
  });
  await tell({ loaded: { revision: 0, rows: [] } });
  void tell({ owner: undefined });
  await settled();
  stop();
  answered.resolve();
  await assert.rejects(run, /the test ends/);
  assert.equal(contender.tenure, undefined);
  assert.equal(engine.givenUp, 1);
});

Deno.test("a server that is asked to end before it has seen all gives up what it has claimed", async () => {
  const { engine, tell, run, stop } = contending({ claimRevision: 1 });
  await tell({ loaded: { revision: 0, rows: [] } }, { owner: undefined });
  stop();
  await assert.rejects(run, /the test ends/);
  assert.equal(engine.givenUp, 1);
});

Deno.test("a server that does not stand yet does not claim", async () => {
  const { contender, tell, run, stop } = contending({ claimRevision: 0, stands: false });
  await tell({ loaded: { revision: 0, rows: [] } });
  tell({ owner: undefined });
  assert.equal(contender.tenure, undefined);
  contender.contend(self);
  await run;
  assert.ok(contender.tenure);
  stop();
});

Deno.test("a follower that has missed something shows what there is; watchers from before list again", async () => {
  const { store, tell, stop, run } = contending({ claimRevision: 0 });
  await tell({ loaded: { revision: 2, rows: rowsOf(seen("a", 1), seen("b", 2)) } }, {
    owner: other,
  });
  const heard: string[] = [];
  store.subscribe([], ({ type, entry }) => heard.push(`${type} ${entry.key[2]}`));
  await tell("broken", { loaded: { revision: 7, rows: rowsOf(seen("b", 6), seen("c", 7)) } });
  await tell({ owner: other });
  assert.deepEqual(heard.toSorted(), ["ADDED c", "DELETED a", "MODIFIED b"]);
  assert.throws(() => store.eventsAfter(["notes"], 2), ExpiredError);
  assert.equal(store.revision, 7);
  stop();
  await assert.rejects(run);
});

Deno.test("an object that was removed and created again in one batch is reported as two", async () => {
  const { store, tell, stop, run } = contending({ claimRevision: 0 });
  await tell({ loaded: { revision: 1, rows: rowsOf(seen("a", 1)) } }, { owner: other });
  const heard: string[] = [];
  store.subscribe([], ({ type, entry }) => heard.push(`${type} ${entry.object.metadata.uid}`));
  await tell({ batch: { revision: 3, writes: [seen("a", 3, "second")] } }, { owner: other });
  assert.deepEqual(heard, ["DELETED first", "ADDED second"]);
  stop();
  await assert.rejects(run);
});

/** A contender at an engine that sees what the test tells. `claimRevision`: of the tenure; `undefined`: none is had. */
function contending({ claimRevision, claimedWhen, stands = true }: {
  claimRevision: number | undefined;
  claimedWhen?: Promise<void>;
  stands?: boolean;
}) {
  const engine = new ToldEngine(claimRevision, claimedWhen);
  const store = MemoryStore.following({ resources: [notes] });
  const contender = new Contender({ engine, store, clock, log: silentLog(clock) });
  if (stands) contender.contend(self);
  const stop = new AbortController();
  const run = contender.run(stop.signal);
  run.catch(() => {}); // the test looks at it when it wants to
  return {
    ...{ engine, store, contender, run },
    /** Resolves when all of it has been taken. */
    tell: async (...told: (Observation | "broken")[]) => {
      for (const each of told) await engine.tell(each);
    },
    stop: () => stop.abort(new Error("the test ends")),
  };
}

/** An engine in the hands of a test. */
class ToldEngine implements SharedEngine {
  /** How often what was claimed was given up. */
  givenUp = 0;
  readonly #revision: number | undefined;
  readonly #claimedWhen: Promise<void>;
  #next = Promise.withResolvers<Observation | "broken">();
  #taken = Promise.withResolvers<void>();

  constructor(revision: number | undefined, claimedWhen: Promise<void> = Promise.resolve()) {
    this.#revision = revision;
    this.#claimedWhen = claimedWhen;
  }

  /** Resolves when the follower has done with it. */
  async tell(told: Observation | "broken"): Promise<void> {
    this.#next.resolve(told);
    await this.#taken.promise;
    this.#taken = Promise.withResolvers();
  }

  async *follow(signal: AbortSignal): AsyncGenerator<Observation> {
    const aborted = new Promise<never>((_, reject) =>
      signal.addEventListener("abort", () => reject(signal.reason), { once: true })
    );
    aborted.catch(() => {}); // the race below tells it
    while (true) {
      const told = await Promise.race([this.#next.promise, aborted]);
      this.#next = Promise.withResolvers();
      try {
        if (told === "broken") throw new Error("the engine was away");
        yield told;
      } finally {
        this.#taken.resolve();
      }
    }
  }

  async claim(): Promise<Tenure | undefined> {
    await this.#claimedWhen;
    const journal = new MemoryJournal();
    journal.close = () => Promise.resolve(void this.givenUp++);
    const ended = new Promise<Error>(() => {});
    const revision = this.#revision;
    return revision === undefined ? undefined : { journal, revision, isSure: () => true, ended };
  }

  close(): void {}
}

function seen(name: string, revision: number, uid = "first"): SeenWrite & { value: Uint8Array } {
  const metadata = {
    ...{ namespace: "n", name, uid },
    ...{ creationTimestamp: "", resourceVersion: String(revision) },
  };
  const note = { apiVersion: "v1", kind: "Note", metadata, text: "" };
  return { key: ["notes", "n", name], value: new TextEncoder().encode(JSON.stringify(note)) };
}

function rowsOf(...writes: ReturnType<typeof seen>[]) {
  return writes.map(({ key, value }) => ({ key, bytes: value }));
}
