import assert from "node:assert/strict";
import { EventRecorder } from "../../client/event_recorder.ts";
import { silentLog } from "../../lib/log.ts";
import { Random } from "../../lib/random.ts";
import { timestamp } from "../../lib/timestamp.ts";
import { VirtualClock } from "../../lib/virtual_clock.ts";
import { LocalClient } from "../../objects/local_client.ts";
import { Objects } from "../../objects/objects.ts";
import { type Event, events } from "../../resources/events/events.ts";
import { RESOURCES } from "../../resources/mod.ts";
import { namespaces } from "../../resources/core/namespaces.ts";
import { MemoryDisk, MemoryJournal } from "../../store/memory_journal.ts";
import { MemoryStore } from "../../store/memory_store.ts";
import { EVENT_KEPT_MS, eventExpiry, EVENTS_IN_NAMESPACE_MAX, EVENTS_MAX } from "./event_expiry.ts";
import { runLoop } from "../runtime/run_controller.ts";

const START_MS = Date.parse("2026-01-01T00:00:00Z");
const MINUTE_MS = 60_000;

/** A control plane that does nothing but end events, on a disk that outlives it. */
class Run {
  readonly clock: VirtualClock;
  readonly client: LocalClient;
  readonly #store: MemoryStore;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;

  static async start(disk = new MemoryDisk(), clock = new VirtualClock(START_MS)): Promise<Run> {
    const store = await MemoryStore.open(new MemoryJournal(disk), { resources: RESOURCES });
    return new Run(store, clock);
  }

  private constructor(store: MemoryStore, clock: VirtualClock) {
    this.#store = store;
    this.clock = clock;
    this.client = new LocalClient(new Objects({ store, clock, random: new Random(1) }));
    const { client } = this;
    const { signal } = this.#stop;
    const log = silentLog(clock);
    const recorder = new EventRecorder({ client, clock, log, signal });
    const parts = { client, view: client, clock, log, events: recorder };
    this.#running = runLoop(eventExpiry, parts, signal);
  }

  get revision(): number {
    return this.#store.revision;
  }

  get names(): string[] {
    return this.client.list(events).map(({ metadata: { name } }) => name);
  }

  async tell(name: string, namespace = "default"): Promise<Event> {
    const time = timestamp(this.clock.now());
    return await this.client.create(events, {
      metadata: { name, namespace },
      involvedObject: { kind: "Pod", name: "web", namespace },
      firstTimestamp: time,
      lastTimestamp: time,
    });
  }

  async tellMany(count: number, namespace: string): Promise<void> {
    const names = Array.from({ length: count }, (_, i) => `e${String(i).padStart(6, "0")}`);
    await Promise.all(names.map((name) => this.tell(name, namespace)));
  }

  async namespace(name: string): Promise<void> {
    await this.client.create(namespaces, { metadata: { name } });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#running;
    await this.#store.close();
  }
}

Deno.test("an event goes an hour after it was last written, and until then nothing is written", async () => {
  await using run = await Run.start();
  await run.namespace("default");
  await run.tell("once");
  const counted = await run.tell("counted");
  await run.clock.advance(30 * MINUTE_MS);
  const lastTimestamp = timestamp(run.clock.now());
  await run.client.update(events, { ...counted, count: 2, lastTimestamp });
  const { revision } = run;
  await run.clock.advance(30 * MINUTE_MS - 1);
  assert.deepEqual([run.names, run.revision], [["counted", "once"], revision]);
  await run.clock.advance(1);
  assert.deepEqual([run.names, run.revision], [["counted"], revision + 1]);
  await run.clock.advance(30 * MINUTE_MS);
  assert.deepEqual(run.names, []);
  const last = run.revision;
  await run.clock.advance(10 * EVENT_KEPT_MS);
  assert.equal(run.revision, last);
  assert.equal(run.clock.pending, 0, "nobody wakes when there is nothing");
});

Deno.test("what is due survives a restart, and what became due meanwhile goes at the start", async () => {
  const disk = new MemoryDisk();
  const clock = new VirtualClock(START_MS);
  {
    await using run = await Run.start(disk, clock);
    await run.namespace("default");
    await run.tell("old");
    await clock.advance(40 * MINUTE_MS);
    await run.tell("young");
  }
  clock.jump(clock.now() + 25 * MINUTE_MS); // the server was away
  await using run = await Run.start(disk, clock);
  await clock.advance(1);
  assert.deepEqual(run.names, ["young"]);
  await clock.advance(35 * MINUTE_MS);
  assert.deepEqual(run.names, []);
});

Deno.test("a namespace that is told of too often loses its oldest events; others lose none", async () => {
  await using run = await Run.start();
  for (const name of ["noisy", "quiet"]) await run.namespace(name);
  await run.tellMany(10, "quiet");
  await run.clock.advance(1_000);
  await run.tell("oldest", "noisy");
  await run.clock.advance(1_000);
  await run.tellMany(EVENTS_IN_NAMESPACE_MAX, "noisy");
  await run.clock.advance(1_000);
  const noisy = run.client.list(events, "noisy");
  assert.equal(noisy.length, EVENTS_IN_NAMESPACE_MAX * 0.9);
  assert.ok(!noisy.some(({ metadata: { name } }) => name === "oldest"));
  assert.equal(run.client.list(events, "quiet").length, 10);
});

Deno.test("in all namespaces together there are never more than the bound for long, also after a start with too many", async () => {
  const disk = new MemoryDisk();
  const many = Math.ceil(EVENTS_MAX / 2_000) + 1;
  const store = await MemoryStore.open(new MemoryJournal(disk), { resources: RESOURCES });
  const clock = new VirtualClock(START_MS);
  await fill(new LocalClient(new Objects({ store, clock, random: new Random(1) })), many);
  await store.close();
  await using run = await Run.start(disk, clock);
  assert.ok(run.names.length > EVENTS_MAX);
  await clock.advance(1_000);
  const left = run.names.length;
  assert.ok(left <= EVENTS_MAX && left >= EVENTS_MAX * 0.9, `${left}`);
});

Deno.test("a clock that was set back keeps no event for years", () => {
  const event = {
    metadata: { name: "a", namespace: "b", creationTimestamp: "2026-01-01T00:00:00Z" },
  };
  const view = { get: () => event, list: () => [], subscribe: () => () => {} } as never; // what the loop asks of it
  const { writes, againAfterMs } = eventExpiry.start(view, () => {})
    .reconcile("b/a", { nowMs: 0, elapsedMs: 0 });
  assert.deepEqual([writes, againAfterMs], [[], EVENT_KEPT_MS]);
});

Deno.test("an event of a machine whose clock runs ahead goes with the others, and takes nobody's place", async () => {
  await using run = await Run.start();
  await run.namespace("default");
  const lastTimestamp = timestamp(START_MS + 8_760 * EVENT_KEPT_MS);
  await run.client.create(events, {
    metadata: { name: "ahead", namespace: "default" },
    involvedObject: { kind: "Pod", name: "web", namespace: "default" },
    lastTimestamp,
  });
  await run.clock.advance(1_000);
  await run.tellMany(EVENTS_IN_NAMESPACE_MAX, "default");
  await run.clock.advance(1_000);
  assert.ok(!run.names.includes("ahead"), "the oldest go first");
  await run.client.create(events, {
    metadata: { name: "ahead", namespace: "default" },
    involvedObject: { kind: "Pod", name: "web", namespace: "default" },
    lastTimestamp,
  });
  await run.clock.advance(EVENT_KEPT_MS);
  assert.deepEqual(run.names, []);
});

async function fill(client: LocalClient, namespaceCount: number): Promise<void> {
  for (let n = 0; n < namespaceCount; n++) {
    const namespace = `n${n}`;
    await client.create(namespaces, { metadata: { name: namespace } });
    await Promise.all(Array.from({ length: 2_000 }, (_, i) =>
      client.create(events, {
        metadata: { name: `e${i}`, namespace },
        involvedObject: { kind: "Pod", name: "web", namespace },
      })));
  }
}
