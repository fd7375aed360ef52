import assert from "node:assert/strict";
import { ETCD_NEEDED, EtcdCluster, isEtcdInstalled } from "../../../tests/etcd_cluster.ts";
import { SystemClock } from "../../lib/clock.ts";
import { EtcdClient } from "./etcd_client.ts";
import { EtcdEngine } from "./etcd_engine.ts";
import { textBase64 } from "./etcd_layout.ts";
import type { RangeAnswer } from "./etcd_messages.ts";
import type { Journal, JournalWrite } from "../journal.ts";
import { type JournalStorage, testJournal } from "../journal_contract.ts";
import { type SharedStorage, testSharedEngine } from "../shared_engine_contract.ts";
import { testStore } from "../store_contract.ts";

const OF = { key: ["notes", "a", "n"], revision: 1 } as const;

const LEASE_MS = 5_000;
const clock = new SystemClock();

let cluster: EtcdCluster;
let storages = 0;

if (isEtcdInstalled) {
  Deno.test.beforeAll(async () => {
    cluster = await EtcdCluster.start(1);
  });
  Deno.test.afterAll(() => cluster.remove());
}

testJournal("EtcdJournal", () => Promise.resolve(new EtcdStorage()), test);
testStore("MemoryStore over EtcdJournal", () => Promise.resolve(new EtcdStorage()), test);
testSharedEngine("EtcdEngine", () => Promise.resolve(new EtcdStorage()), test);

function test(name: string, body: () => Promise<void>): void {
  Deno.test({ name: `${name}${ETCD_NEEDED}`, ignore: !isEtcdInstalled, fn: body });
}

/** A store of its own in the one etcd of this file. */
class EtcdStorage implements JournalStorage, SharedStorage {
  readonly prefix = `/test-${storages++}`;
  readonly #engines: EtcdEngine[] = [];
  readonly #endpoints: readonly string[];

  constructor(endpoints: readonly string[] = cluster.endpoints) {
    this.#endpoints = endpoints;
  }

  readonly open = async (): Promise<Journal> => {
    const engine = await this.engine(LEASE_MS);
    this.#engines.push(engine);
    const tenure = await engine.claim({ id: `s${this.#engines.length}`, address: "https://x:1" });
    assert.ok(tenure, "nobody else owns it");
    return tenure.journal;
  };

  engine(leaseMs: number): Promise<EtcdEngine> {
    const access = { endpoints: this.#endpoints };
    return Promise.resolve(new EtcdEngine({ access, clock, prefix: this.prefix, leaseMs }));
  }

  readonly takeOver = async (): Promise<Journal> => {
    await this.removeOwner();
    return await this.open();
  };

  /** As etcd does when the owner's lease runs out. */
  async removeOwner(): Promise<void> {
    await this.#ask("/v3/kv/deleterange", { key: this.#name("owner") });
  }

  async put(name: string, json: string): Promise<void> {
    await this.#ask("/v3/kv/put", { key: this.#name(name), value: textBase64(json) });
  }

  /** Keys below a name. */
  async count(name: string): Promise<number> {
    const range = { key: this.#name(`${name}/`), rangeEnd: this.#name(`${name}0`) };
    return (await this.#ask<RangeAnswer>("/v3/kv/range", range)).kvs?.length ?? 0;
  }

  #name(name: string): string {
    return textBase64(`${this.prefix}/${name}`);
  }

  async #ask<T>(path: string, body: unknown): Promise<T> {
    using client = new EtcdClient({ endpoints: cluster.endpoints }, clock);
    return await client.ask<T>(path, body);
  }

  remove(): Promise<void> {
    for (const engine of this.#engines) engine.close();
    return Promise.resolve();
  }
}

test("a batch whose answer was lost is told as durable, and not written twice", () =>
  behindGate(async (journal, gate) => {
    gate.next = { deliver: "at once", answer: false };
    await journal.commit({ revision: 1, writes: [write("a", "one")] });
    await journal.commit({ revision: 2, writes: [write("a", "two")] });
    assert.equal(await journal.revision(), 2);
    assert.equal(gate.delivered, gate.asked);
  }));

test("a write that arrives late does nothing", () =>
  behindGate(async (journal, gate) => {
    await journal.commit({ revision: 1, writes: [write("a", "one")] });
    gate.next = { deliver: "when released", answer: false };
    await journal.commit({ revision: 2, writes: [write("a", "two")] });
    await journal.commit({ revision: 3, writes: [write("a", "three")] });
    await gate.release();
    assert.equal(await journal.revision(), 3);
    const { rows } = await journal.load();
    assert.equal(new TextDecoder().decode(rows[0]!.bytes), "three");
  }));

test("what was told as not durable after a doubt never becomes durable", () =>
  behindGate(async (journal, gate) => {
    await journal.commit({ revision: 1, writes: [write("a", "one")] });
    gate.isAway = true;
    gate.next = { deliver: "when released", answer: false };
    await assert.rejects(journal.commit({ revision: 2, writes: [write("a", "lost")] }));
    gate.isAway = false;
    assert.equal(await journal.revision(), 1);
    await gate.release();
    assert.equal(await journal.revision(), 1);
    await journal.commit({ revision: 3, writes: [write("b", "three")] });
    const { rows } = await journal.load();
    assert.deepEqual(rows.map(({ bytes }) => new TextDecoder().decode(bytes)), ["one", "three"]);
  }));

test("an owner whose lease was lost goes on when nobody has taken over", async () => {
  const storage = new EtcdStorage();
  const journal = await storage.open();
  await journal.commit({ revision: 1, writes: [write("a", "one")] });
  await storage.removeOwner();
  await Promise.all([
    journal.blob(new Uint8Array(10), OF),
    journal.commit({ revision: 2, writes: [write("a", "two")] }),
  ]);
  assert.equal(await journal.revision(), 2);
  await journal.close();
  await storage.remove();
});

test("blobs that a killed server has left are swept by the next one", async () => {
  const storage = new EtcdStorage();
  const first = await storage.open();
  await first.blob(new Uint8Array(200_000), OF);
  const second = await storage.takeOver();
  assert.equal(await storage.count("blobs"), 1);
  await second.load();
  assert.equal(await storage.count("blobs"), 0);
  await second.close();
  await storage.remove();
});

test("a store of a newer version is refused", async () => {
  const storage = new EtcdStorage();
  await storage.put("format", "2");
  await assert.rejects(storage.open(), /its format is 2, this version reads up to 1/);
  await storage.remove();
});

/** What happens to a transaction on its way. */
interface Passage {
  deliver: "at once" | "when released";
  answer: boolean;
}

/** Stands before etcd, as a network does that loses answers and holds requests back. */
class Gate {
  next: Passage | undefined;
  /** Nothing else gets through either. */
  isAway = false;
  asked = 0;
  delivered = 0;
  readonly #held: (() => Promise<unknown>)[] = [];
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor(private readonly url: string) {
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      (request) => this.#pass(request),
    );
  }

  get address(): string {
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }

  async release(): Promise<void> {
    for (const deliver of this.#held.splice(0)) await deliver();
  }

  async close(): Promise<void> {
    await this.#server.shutdown();
  }

  async #pass(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    const body = await request.text();
    const deliver = async () => {
      this.delivered++;
      const answer = await fetch(this.url + pathname, { method: "POST", body });
      return new Response(await answer.text(), { status: answer.status });
    };
    const passage = pathname === "/v3/kv/txn" ? this.next : undefined;
    if (!passage && this.isAway) return LOST.clone();
    this.asked++;
    if (!passage) return await deliver();
    this.next = undefined;
    if (passage.deliver === "at once") await deliver();
    else this.#held.push(deliver);
    return LOST.clone();
  }
}
const LOST: Response = Response.json({ message: "the answer was lost", code: 14 }, { status: 503 });

async function behindGate(body: (journal: Journal, gate: Gate) => Promise<void>): Promise<void> {
  const gate = new Gate(cluster.endpoints[0]!);
  const storage = new EtcdStorage([gate.address]);
  try {
    const journal = await storage.open();
    await journal.load();
    await body(journal, gate);
    await journal.close();
  } finally {
    await storage.remove();
    await gate.close();
  }
}

function write(name: string, text: string): JournalWrite {
  return { key: ["notes", "a", name], value: new TextEncoder().encode(text) };
}
