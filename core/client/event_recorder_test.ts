import assert from "node:assert/strict";
import { silentLog } from "../lib/log.ts";
import { settled, VirtualClock } from "../lib/virtual_clock.ts";
import { type Event, events } from "../resources/events/events.ts";
import type { KubeObject, Resource } from "../resources/resource.ts";
import { ApiError } from "./api_error.ts";
import type { Draft } from "./client.ts";
import {
  EventRecorder,
  type EventRecorderOptions,
  type KeptNotices,
  type Notice,
  type WaitingNotice,
} from "./event_recorder.ts";
import { LinkError } from "./link_error.ts";

/** Keeps events by name, and can be told to fail. */
class EventStore {
  readonly all = new Map<string, Event>();
  failure: Error | undefined;

  create<T extends KubeObject>(_resource: Resource<T>, draft: Draft<T>): Promise<T> {
    if (this.failure) return Promise.reject(this.failure);
    const event = draft as unknown as Event;
    this.all.set(event.metadata.name, event);
    return Promise.resolve(draft as unknown as T);
  }
  update<T extends KubeObject>(_resource: Resource<T>, object: T): Promise<T> {
    const { name } = object.metadata;
    if (!this.all.has(name)) return Promise.reject(new ApiError("NotFound", `${name} not found`));
    this.all.set(name, object as unknown as Event);
    return Promise.resolve(object);
  }
  get list(): Event[] {
    return [...this.all.values()];
  }
}

function setUp(more: Partial<EventRecorderOptions> = {}) {
  const clock = new VirtualClock(Date.parse("2026-01-01T00:00:00Z"));
  const store = new EventStore();
  const stop = new AbortController();
  const recorder = new EventRecorder({
    client: store,
    clock,
    log: silentLog(clock),
    signal: stop.signal,
    host: "n1",
    ...more,
  });
  return { clock, store, recorder, stop };
}

const pod: KubeObject = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: {
    name: "web",
    namespace: "shop",
    uid: "u1",
    resourceVersion: "7",
    creationTimestamp: "",
  },
};

function notice(message = "Started container", about = pod): Notice {
  return { about, type: "Normal", reason: "Started", message, fieldPath: "spec.containers{web}" };
}

Deno.test("an event records what happened to which object, when and by whom", async () => {
  const { store, recorder } = setUp();
  recorder.record("kubelet", notice());
  await recorder.settled();
  const [event] = store.list;
  assert.match(event!.metadata.name, /^web\.[0-9a-f]{16}$/);
  assert.equal(event!.metadata.namespace, "shop");
  assert.deepEqual(event!.involvedObject, {
    apiVersion: "v1",
    kind: "Pod",
    namespace: "shop",
    name: "web",
    uid: "u1",
    resourceVersion: "7",
    fieldPath: "spec.containers{web}",
  });
  assert.deepEqual(event!.source, { component: "kubelet", host: "n1" });
  assert.equal(event!.firstTimestamp, "2026-01-01T00:00:00Z");
  assert.equal(event!.count, 1);
});

Deno.test("the same again is counted, anything else is an event of its own", async () => {
  const { clock, store, recorder } = setUp();
  recorder.record("kubelet", notice());
  await clock.advance(5_000);
  recorder.record("kubelet", notice());
  recorder.record("kubelet", notice("Something else"));
  recorder.record("other", notice());
  await recorder.settled();
  assert.deepEqual(store.list.map(({ count }) => count), [2, 1, 1]);
  assert.equal(store.list[0]!.lastTimestamp, "2026-01-01T00:00:05Z");
  assert.equal(store.list[0]!.firstTimestamp, "2026-01-01T00:00:00Z");
});

Deno.test("an event that has expired is recorded anew", async () => {
  const { store, recorder } = setUp();
  recorder.record("kubelet", notice());
  await recorder.settled();
  store.all.clear();
  recorder.record("kubelet", notice());
  await recorder.settled();
  assert.deepEqual(store.list.map(({ count }) => count), [1]);
});

Deno.test("from the tenth message for one reason on, they are one event with the newest message", async () => {
  const { clock, store, recorder } = setUp();
  const tell = async (from: number, to: number, reason = "Started") => {
    for (let number = from; number <= to; number++) {
      recorder.record("kubelet", { ...notice(`Number ${number}`), reason });
      await recorder.settled();
    }
  };
  const told = () => store.list.map(({ count, message }) => `${count} ${message}`);
  await tell(1, 9);
  assert.deepEqual(told(), Array.from({ length: 9 }, (_, i) => `1 Number ${i + 1}`));
  await tell(10, 10);
  await tell(1, 1, "Killing");
  assert.deepEqual(told().slice(9), [
    "1 (combined from similar events): Number 10",
    "1 Number 1",
  ]);
  await clock.advance(600_000);
  await tell(11, 12);
  assert.equal(store.list.length, 11);
  assert.equal(told()[9], "3 (combined from similar events): Number 12");
  await clock.advance(600_001);
  await tell(13, 13);
  assert.equal(told()[11], "1 Number 13");
});

Deno.test("the same message ever again is counted, and combined with nothing", async () => {
  const { store, recorder } = setUp();
  for (let round = 0; round < 20; round++) recorder.record("kubelet", notice());
  await recorder.settled();
  assert.deepEqual(store.list.map(({ count, message }) => `${count} ${message}`), [
    "20 Started container",
  ]);
});

Deno.test("similar events that wait together are told as the newest of them", async () => {
  const { store, recorder } = setUp();
  for (let number = 1; number <= 12; number++) {
    recorder.record("kubelet", notice(`Number ${number}`));
  }
  await recorder.settled();
  assert.equal(store.list.length, 10);
  const { count, message } = store.list[9]!;
  assert.equal(`${count} ${message}`, "3 (combined from similar events): Number 12");
});

Deno.test("an object gets 25 events in a row, then one in 5 minutes", async () => {
  const { clock, store, recorder } = setUp();
  const numbered = (number: number) => ({ ...notice(), reason: `Number${number}` });
  for (let number = 0; number < 40; number++) recorder.record("kubelet", numbered(number));
  await recorder.settled();
  assert.equal(store.list.length, 25);
  const other = { ...pod, metadata: { ...pod.metadata, name: "other", uid: "u2" } };
  recorder.record("kubelet", notice("Number 1", other));
  await recorder.settled();
  assert.equal(store.list.length, 26);
  await clock.advance(301_000);
  for (let number = 50; number < 55; number++) recorder.record("kubelet", numbered(number));
  await recorder.settled();
  assert.equal(store.list.length, 27);
});

Deno.test("a refused event is lost, one that failed is tried again", async () => {
  const { clock, store, recorder } = setUp();
  store.failure = new ApiError("Forbidden", "the namespace is being terminated");
  recorder.record("kubelet", notice());
  await recorder.settled();
  store.failure = new Error("connection lost");
  recorder.record("kubelet", notice("Second"));
  await clock.advance(15_000);
  store.failure = undefined;
  await clock.advance(15_000);
  await recorder.settled();
  assert.deepEqual(store.list.map(({ message }) => message), ["Second"]);
});

Deno.test("events of objects without namespace are kept in the namespace default", async () => {
  const { store, recorder } = setUp();
  const { namespace: _, ...metadata } = pod.metadata;
  recorder.record("kubelet", notice("Rebooted", { ...pod, kind: "Node", metadata }));
  await recorder.settled();
  assert.equal(store.list[0]!.metadata.namespace, "default");
  assert.equal(events.kind, "Event");
});

Deno.test("what happens while the API cannot be reached is told afterwards, counted, with its true times", async () => {
  const restored = new Set<() => void>();
  const onRestored = (listener: () => void) => {
    restored.add(listener);
    return () => restored.delete(listener);
  };
  const kept = new Kept();
  const { clock, store, recorder } = setUp({ onRestored, kept });
  store.failure = new LinkError("no route to host");
  for (let hour = 0; hour < 3; hour++) {
    recorder.record("kubelet", notice("Back-off restarting failed container"));
    await clock.advance(60 * 60 * 1_000);
  }
  recorder.record("kubelet", notice("Started container"));
  await settled();
  assert.deepEqual([...kept.map.values()].map(({ count }) => count), [3, 1]);
  store.failure = undefined;
  for (const listener of [...restored]) listener();
  await recorder.settled();
  assert.deepEqual(
    store.list.map((
      { count, firstTimestamp, lastTimestamp },
    ) => [count, firstTimestamp, lastTimestamp]),
    [
      [3, "2026-01-01T00:00:00Z", "2026-01-01T02:00:00Z"],
      [1, "2026-01-01T03:00:00Z", "2026-01-01T03:00:00Z"],
    ],
  );
  assert.equal(kept.map.size, 0);
  assert.equal(restored.size, 0);
  assert.equal(clock.pending, 0);
});

Deno.test("what an earlier process could not tell is told by the next one", async () => {
  const kept = new Kept();
  const before = setUp({ onRestored: () => () => {}, kept });
  before.store.failure = new LinkError("no route to host");
  before.recorder.record("kubelet", notice());
  await settled();
  before.stop.abort();
  await before.recorder.settled();
  const { store, recorder } = setUp({ onRestored: () => () => {}, kept });
  await recorder.settled();
  assert.deepEqual(store.list.map(({ message, count }) => [message, count]), [[
    "Started container",
    1,
  ]]);
  assert.equal(kept.map.size, 0);
});

Deno.test("however long the API cannot be reached, what waits is bounded", async () => {
  const kept = new Kept();
  const { store, recorder } = setUp({ onRestored: () => () => {}, kept });
  store.failure = new LinkError("no route to host");
  for (let number = 0; number < 3_000; number++) {
    const metadata = { ...pod.metadata, uid: `u${number}` };
    recorder.record("kubelet", notice("Started container", { ...pod, metadata }));
    if (number === 0) await settled();
  }
  assert.equal(kept.map.size, 1_000);
});

class Kept implements KeptNotices {
  readonly map = new Map<string, WaitingNotice>();

  all(): [string, WaitingNotice][] {
    return [...this.map];
  }
  keep(key: string, waiting: WaitingNotice): void {
    this.map.set(key, waiting);
  }
  forget(key: string): void {
    this.map.delete(key);
  }
}

Deno.test("events say by the server's clock when something happened, also before that was known", async () => {
  const { clock, store, stop } = setUp();
  const time = { aheadMs: 0 };
  const log = silentLog(clock);
  const recorder = new EventRecorder({ client: store, clock, time, log, signal: stop.signal });
  store.failure = new Error("no answer");
  recorder.record("kubelet", notice());
  await clock.advance(5_000);
  time.aheadMs = -4 * 365 * 86_400_000;
  store.failure = undefined;
  await clock.advance(60_000);
  await recorder.settled();
  assert.equal(store.list[0]!.lastTimestamp, "2029-12-31T00:00:00Z");
  time.aheadMs = 59_999;
  recorder.record("kubelet", notice("Another"));
  await recorder.settled();
  assert.equal(store.list[1]!.lastTimestamp, "2026-01-01T00:01:05Z", "clocks that are about right");
});
