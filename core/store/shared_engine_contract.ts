import assert from "node:assert/strict";
import { SystemClock } from "../lib/clock.ts";
import { silentLog } from "../lib/log.ts";
import { Contender } from "./contender.ts";
import type { Register } from "./journal_contract.ts";
import { MemoryStore } from "./memory_store.ts";
import type { SharedEngine } from "./shared_engine.ts";
import { notes } from "./store_contract.ts";
import { type Change, type Key, type StoreEvent, UnavailableError } from "./store.ts";

/** An engine that several servers share. */
export interface SharedStorage {
  /** The engine as one more server sees it. */
  engine(leaseMs: number): Promise<SharedEngine>;
  remove(): Promise<void>;
}

const LONG_LEASE_MS = 60_000;
/** As short as etcd's may be. */
const SHORT_LEASE_MS = 2_000;
const LARGE_CHARS = 2 * 1024 * 1024;
const clock = new SystemClock();

/** What holds for servers at one engine, whichever it is. `make` gives fresh, empty storage. */
export function testSharedEngine(
  name: string,
  make: () => Promise<SharedStorage>,
  register: Register = (name, body) => Deno.test(name, body),
): void {
  for (const [behaviour, scenario] of Object.entries(SCENARIOS)) {
    register(`${name}: ${behaviour}`, async () => {
      const storage = await make();
      const servers: Server[] = [];
      try {
        await scenario(async (leaseMs = LONG_LEASE_MS) => {
          servers.push(new Server(await storage.engine(leaseMs), servers.length));
          return servers.at(-1)!;
        });
      } finally {
        for (const server of servers) await server.end();
        await storage.remove();
      }
    });
  }
}

/** One of several servers. */
class Server {
  readonly store = MemoryStore.following({ resources: [notes] });
  readonly contender: Contender;
  readonly running: Promise<void>;
  readonly #engine: SharedEngine;
  readonly #stop = new AbortController();
  #isGone = false;

  constructor(engine: SharedEngine, id: number) {
    this.#engine = engine;
    this.contender = new Contender({ engine, store: this.store, clock, log: silentLog(clock) });
    this.contender.contend({ id: String(id), address: `https://127.0.0.1:${id}` });
    this.running = this.contender.run(this.#stop.signal).catch(() => {}); // the end of the test
  }

  /** Resolves with what it shows when it shows the key so. */
  shows(key: Key, text: string | undefined): Promise<void> {
    return new Promise((resolve) => {
      const isSo = () => textAt(this.store, key) === text;
      if (isSo()) return resolve();
      const stop = this.store.subscribe([], () => {
        if (!isSo()) return;
        stop();
        resolve();
      });
    });
  }

  /** Cuts it off from the engine: it can neither renew its lease nor resign. */
  vanish(): void {
    this.#engine.close();
    this.#isGone = true;
  }

  async end(): Promise<void> {
    this.#stop.abort(new Error("the test ends"));
    await this.running;
    await this.store.close();
    if (!this.#isGone) this.vanish();
  }
}

type Scenario = (start: (leaseMs?: number) => Promise<Server>) => Promise<void>;

const SCENARIOS: Record<string, Scenario> = {
  "of servers that start at once one owns the store, and the others know it": async (start) => {
    const servers = await Promise.all([start(), start(), start()]);
    await Promise.all(servers.map(({ contender }) => contender.settled));
    const owners = servers.filter(({ contender }) => contender.tenure);
    assert.equal(owners.length, 1);
    assert.ok(owners[0]!.contender.tenure!.isSure());
    const known = new Set(servers.map(({ contender }) => contender.owner?.address));
    assert.deepEqual([...known], [owners[0]!.contender.owner!.address]);
  },
  "a standby shows what the owner wrote before and writes now, in whole commits, in order, at its revisions":
    async (start) => {
      const { store } = await owning(await start());
      const [kept] = await store.commit([put("a", "before"), put("b", "before")]);
      const standby = await start();
      await standby.contender.settled;
      assert.deepEqual(textsOf(standby.store), { a: "before", b: "before" });
      const events: StoreEvent[] = [];
      standby.store.subscribe([], (event) => events.push(event));
      const large = "x".repeat(LARGE_CHARS);
      await store.commit([remove("b", store), put("a", large, kept!.revision)]);
      await store.commit([put("b", "again", 0, "another"), put("c", "")]);
      await standby.shows(["notes", "n", "c"], "");
      assert.deepEqual(textsOf(standby.store), { a: large, b: "again", c: "" });
      assert.equal(standby.store.revision, store.revision);
      assert.deepEqual(
        events.map(({ type, entry, revision }) => `${type} ${entry.key[2]} ${revision}`),
        store.eventsAfter(["notes"], kept!.revision + 1)
          .map(({ type, entry, revision }) => `${type} ${entry.key[2]} ${revision}`),
      );
      assert.deepEqual(
        standby.store.get(["notes", "n", "a"])!.object,
        store.get(["notes", "n", "a"])!.object,
      );
    },
  "a standby refuses writes": async (start) => {
    await owning(await start());
    const standby = await start();
    await standby.contender.settled;
    await assert.rejects(standby.store.commit([put("a", "")]), UnavailableError);
  },
  "when the owner gives the store up, a standby takes over at once with all that was written":
    async (
      start,
    ) => {
      const owner = await owning(await start());
      const standby = await start();
      await standby.contender.settled;
      for (const name of "abc") await owner.store.commit([put(name, name)]);
      const { revision } = owner.store;
      await owner.end();
      await owning(standby);
      assert.deepEqual(textsOf(standby.store), { a: "a", b: "b", c: "c" });
      assert.ok(standby.store.revision > revision);
      await standby.store.commit([put("d", "d"), remove("a", standby.store)]);
      const third = await start();
      await third.contender.settled;
      assert.deepEqual(textsOf(third.store), { b: "b", c: "c", d: "d" });
    },
  "when nothing is heard of the owner, a standby takes over once the lease has run out": async (
    start,
  ) => {
    const lost = await start(SHORT_LEASE_MS);
    const owner = await owning(lost);
    await owner.store.commit([put("a", "kept")]);
    const standby = await start(SHORT_LEASE_MS);
    await standby.contender.settled;
    assert.equal(standby.contender.tenure, undefined);
    lost.vanish();
    await owning(standby);
    assert.deepEqual(textsOf(standby.store), { a: "kept" });
  },
};

async function owning(server: Server): Promise<Server> {
  await server.contender.won;
  return server;
}

function put(name: string, text: string, expected = 0, uid = name): Change {
  const metadata = {
    ...{ namespace: "n", name, uid },
    ...{ creationTimestamp: "", resourceVersion: "" },
  };
  const value = { apiVersion: "v1", kind: "Note", metadata, text } as Change["value"];
  return { key: ["notes", "n", name], value, expected };
}

function remove(name: string, store: MemoryStore): Change {
  const key: Key = ["notes", "n", name];
  return { key, value: undefined, expected: store.get(key)!.revision };
}

function textsOf(store: MemoryStore): Record<string, string | undefined> {
  return Object.fromEntries(store.list(["notes"]).map(({ key }) => [key[2], textAt(store, key)]));
}

function textAt(store: MemoryStore, key: Key): string | undefined {
  return (store.get(key)?.object as { text?: string } | undefined)?.text;
}
