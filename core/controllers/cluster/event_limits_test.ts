import assert from "node:assert/strict";
import type { View, ViewEvent } from "../../client/client.ts";
import type { Event } from "../../resources/events/events.ts";
import { EVENT_KEPT_MS, eventExpiry } from "./event_expiry.ts";

const IN_NAMESPACE_MAX = 2_500;
const ALL_MAX = 10_000;
const DELETIONS_MAX = 1_000;

/** Events in memory; they are as much as the loop reads of them. */
class Events {
  readonly #all = new Map<string, Event>();
  #listener: (event: ViewEvent<Event>) => void = () => {};
  readonly view = {
    list: (_: unknown, namespace?: string) =>
      [...this.#all.values()].filter(({ metadata }) =>
        namespace === undefined || metadata.namespace === namespace
      ),
    get: (_: unknown, { namespace, name }: { namespace: string; name: string }) =>
      this.#all.get(`${namespace}/${name}`),
    subscribe: (_: unknown, listener: (event: ViewEvent<Event>) => void) => {
      this.#listener = listener;
      return () => {};
    },
  } as unknown as View;

  put(namespace: string, name: string, second = 0): void {
    const key = `${namespace}/${name}`;
    const type = this.#all.has(key) ? "MODIFIED" : "ADDED";
    const creationTimestamp = new Date(second * 1_000).toISOString();
    const object = { metadata: { namespace, name, uid: key, creationTimestamp } } as Event;
    this.#all.set(key, object);
    this.#listener({ type, object });
  }

  putMany(namespace: string, count: number): void {
    for (let i = 0; i < count; i++) this.put(namespace, `e${i}`, i);
  }

  take(namespace: string, name: string): void {
    const object = this.#all.get(`${namespace}/${name}`)!;
    this.#all.delete(`${namespace}/${name}`);
    this.#listener({ type: "DELETED", object });
  }
}

function started(events: Events) {
  const keys: string[] = [];
  const run = eventExpiry.start(events.view, (key) => keys.push(key));
  return {
    counting: () => keys.splice(0).filter((key) => key.endsWith("/")),
    planOf: (key: string, nowMs = 0) => run.reconcile(key, { nowMs, elapsedMs: 0 }),
  };
}

function names({ writes }: { writes: readonly unknown[] }): string[] {
  return writes.map((write) => (write as { name: { name: string } }).name.name);
}

Deno.test("a namespace is looked at when it has too many events, and counts what comes and goes", () => {
  const events = new Events();
  const { counting } = started(events);
  events.putMany("a", IN_NAMESPACE_MAX);
  events.putMany("b", IN_NAMESPACE_MAX - 1);
  assert.deepEqual(counting(), []);
  events.put("a", "e0");
  assert.deepEqual(counting(), [], "it was there");
  events.take("a", "e0");
  events.put("a", "new");
  assert.deepEqual(counting(), [], "one for another");
  events.put("a", "more");
  assert.deepEqual(counting(), ["a/"]);
  events.put("b", "last");
  assert.deepEqual(counting(), []);
});

Deno.test("a namespace whose last event has gone counts from the beginning", () => {
  const events = new Events();
  events.put("a", "first");
  const { counting } = started(events);
  events.take("a", "first");
  events.putMany("a", IN_NAMESPACE_MAX);
  assert.deepEqual(counting(), []);
  events.put("a", "more");
  assert.deepEqual(counting(), ["a/"]);
});

Deno.test("all are looked at when there are too many in all namespaces together, also at the start", () => {
  const events = new Events();
  for (const namespace of ["a", "b", "c", "d"]) events.putMany(namespace, ALL_MAX / 4);
  const { counting } = started(events);
  assert.deepEqual(counting(), []);
  events.put("e", "one");
  assert.deepEqual(counting(), ["/"]);
  assert.deepEqual(started(events).counting().length, 1);
});

Deno.test("the oldest tenth goes, no more than 1,000 at once, and the rest at once after", () => {
  const events = new Events();
  events.putMany("a", IN_NAMESPACE_MAX);
  assert.deepEqual(started(events).planOf("a/"), { writes: [] }, "no more than there may be");
  events.put("a", "last", IN_NAMESPACE_MAX);
  const oldest = Array.from({ length: 251 }, (_, i) => `e${i}`);
  const made = started(events).planOf("a/");
  assert.deepEqual([names(made), made.againAfterMs], [oldest, undefined]);
  events.putMany("b", ALL_MAX - IN_NAMESPACE_MAX - 1);
  assert.deepEqual(started(events).planOf("/"), { writes: [] });
  events.put("c", "one too many");
  const { writes, againAfterMs } = started(events).planOf("/");
  assert.deepEqual([writes.length, againAfterMs], [DELETIONS_MAX, 0]);
});

Deno.test("an event goes an hour after it was written, not a moment sooner, and one that is gone needs nothing", () => {
  const events = new Events();
  events.put("a", "one");
  const { planOf } = started(events);
  assert.deepEqual(planOf("a/one", EVENT_KEPT_MS - 1), { writes: [], againAfterMs: 1 });
  assert.deepEqual(names(planOf("a/one", EVENT_KEPT_MS)), ["one"]);
  assert.deepEqual(planOf("a/gone", EVENT_KEPT_MS), { writes: [] });
});

Deno.test("a time of the event's writer counts up to the present", () => {
  const events = new Events();
  events.put("a", "one");
  const event = events.view.get({} as never, { namespace: "a", name: "one" }) as Event;
  const { planOf } = started(events);
  const restAt = (lastSecond: number, nowMs: number) => {
    (event as { lastTimestamp?: string }).lastTimestamp = new Date(lastSecond * 1_000)
      .toISOString();
    return planOf("a/one", nowMs).againAfterMs;
  };
  assert.equal(restAt(10, 10_000), EVENT_KEPT_MS);
  assert.equal(restAt(11, 10_000), EVENT_KEPT_MS - 10_000, "the future does not count");
});
