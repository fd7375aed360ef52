import assert from "node:assert/strict";
import { KvConnectServer } from "../../../tests/kv_connect_server.ts";
import { SystemClock } from "../../lib/clock.ts";
import type { Journal, JournalWrite } from "../journal.ts";
import { type JournalStorage, testJournal } from "../journal_contract.ts";
import { KvEngine } from "./kv_engine.ts";
import type { Tenure } from "../shared_engine.ts";
import { type SharedStorage, testSharedEngine } from "../shared_engine_contract.ts";
import { testStore } from "../store_contract.ts";

const LEASE_MS = 60_000;
const clock = new SystemClock();

testJournal("KvJournal over KV Connect", () => Promise.resolve(new RemoteStorage()));
testStore("MemoryStore over KV Connect", () => Promise.resolve(new RemoteStorage()));
testSharedEngine("KvEngine", () => Promise.resolve(new RemoteStorage()));

Deno.test("over KV Connect a batch whose answer was lost counts as durable, and is not written twice", () =>
  inRemote(async (journal, { server }) => {
    server.nextWrite = "lost answer";
    await journal.commit({ revision: 1, writes: [write("a", "one")] });
    await journal.commit({ revision: 2, writes: [write("a", "two")] });
    assert.equal(await journal.revision(), 2);
  }));

Deno.test("over KV Connect a write that arrives late does nothing", () =>
  inRemote(async (journal, { server }) => {
    await journal.commit({ revision: 1, writes: [write("a", "one")] });
    server.nextWrite = "late copy";
    await journal.commit({ revision: 2, writes: [write("a", "two")] });
    await journal.commit({ revision: 3, writes: [write("a", "three")] });
    server.release();
    assert.equal(await journal.revision(), 3);
    assert.deepEqual(await textsIn(journal), ["three"]);
  }));

Deno.test("over KV Connect what was reported as not durable after a doubt never becomes durable", () =>
  inRemote(async (journal, { server }) => {
    await journal.commit({ revision: 1, writes: [write("a", "one")] });
    server.nextWrite = "held";
    const doubtful = { revision: 2, writes: [write("a", "lost")] };
    await assert.rejects(journal.commit(doubtful), /has not answered/);
    assert.equal(await journal.revision(), 1);
    server.release();
    assert.equal(await journal.revision(), 1);
    await journal.commit({ revision: 3, writes: [write("b", "three")] });
    assert.deepEqual((await textsIn(journal)).toSorted(), ["one", "three"]);
  }));

Deno.test("a token that the server of KV Connect does not know is refused in its words", async () => {
  const storage = new RemoteStorage();
  await assert.rejects(storage.engine(LEASE_MS, "another token"), /the token is not known/);
  await storage.remove();
});

Deno.test("a server that has claimed a store behind KV Connect and cannot read it leaves it to others", async () => {
  const storage = new RemoteStorage();
  const kv = await storage.openKv();
  await kv.set(["s", 0], new Uint8Array(1));
  await assert.rejects(storage.claim(), /Cannot read segment 0/);
  await kv.delete(["s", 0]);
  kv.close();
  const other = await storage.engine(LEASE_MS);
  for await (const observation of other.follow(new AbortController().signal)) {
    if (!("owner" in observation)) continue;
    assert.equal(observation.owner, undefined);
    break;
  }
  other.close();
  await storage.remove();
});

Deno.test("over KV Connect a long-running follower leaks nothing", () =>
  inRemote(async (journal, storage) => {
    const follower = await storage.engine(LEASE_MS);
    let [seen, revision] = [0, 0];
    const reactions = await mostReactions(async () => {
      for await (const observation of follower.follow(new AbortController().signal)) {
        if ("batch" in observation) seen++;
        if (revision === 30) break;
        if (seen === revision) await journal.commit({ revision: ++revision, writes: [] });
      }
    });
    follower.close();
    assert.ok(reactions < 10, `${reactions} reactions wait for one promise`);
  }));

Deno.test("over KV Connect a follower whose watch ends begins anew", async () => {
  const storage = new RemoteStorage();
  const follower = await storage.engine(LEASE_MS);
  const seen = (async () => {
    for await (const _ of follower.follow(new AbortController().signal)) follower.close();
  })();
  await assert.rejects(seen);
  await storage.remove();
});

/** The most that were asked to follow any one promise by `then` while `body` ran. */
async function mostReactions(body: () => Promise<void>): Promise<number> {
  const { then } = Promise.prototype;
  const counts = new WeakMap<Promise<unknown>, number>();
  let most = 0;
  Promise.prototype.then = function (this: Promise<unknown>, ...reactions: [never, never]) {
    const count = (counts.get(this) ?? 0) + 1;
    counts.set(this, count);
    most = Math.max(most, count);
    return then.apply(this, reactions);
  } as typeof then;
  try {
    await body();
  } finally {
    Promise.prototype.then = then;
  }
  return most;
}

async function inRemote(
  body: (journal: Journal, storage: RemoteStorage) => Promise<void>,
): Promise<void> {
  const storage = new RemoteStorage();
  const journal = await storage.open();
  await journal.load();
  await body(journal, storage);
  await journal.close();
  await storage.remove();
}

async function textsIn(journal: Journal): Promise<string[]> {
  const { rows } = await journal.load();
  return rows.map(({ bytes }) => new TextDecoder().decode(bytes));
}

/** A server of its own. */
class RemoteStorage implements JournalStorage, SharedStorage {
  readonly server = new KvConnectServer();
  readonly #engines: KvEngine[] = [];

  readonly open = async (): Promise<Journal> => (await this.claim()).journal;

  readonly takeOver = async (): Promise<Journal> => {
    const kv = await this.openKv();
    await kv.delete(["m", "lease"]);
    kv.close();
    return await this.open();
  };

  async claim(): Promise<Tenure> {
    const engine = await this.engine(LEASE_MS);
    this.#engines.push(engine);
    const id = `s${this.#engines.length}`;
    const tenure = await engine.claim({ id, address: `https://127.0.0.1:${this.#engines.length}` });
    assert.ok(tenure, "nobody else owns it");
    return tenure;
  }

  engine(leaseMs: number, token = this.server.token): Promise<KvEngine> {
    Deno.env.set("DENO_KV_ACCESS_TOKEN", token);
    return KvEngine.open({ url: this.server.url, clock, leaseMs });
  }

  openKv(): Promise<Deno.Kv> {
    Deno.env.set("DENO_KV_ACCESS_TOKEN", this.server.token);
    return Deno.openKv(this.server.url);
  }

  async remove(): Promise<void> {
    for (const engine of this.#engines) engine.close();
    await this.server.close();
  }
}

function write(name: string, text: string): JournalWrite {
  return { key: ["notes", "a", name], value: new TextEncoder().encode(text) };
}
