import assert from "node:assert/strict";
import fc from "fast-check";
import type { KubeObject } from "../resources/resource.ts";
import { EventRing } from "./event_ring.ts";
import { ExpiredError, type StoreEvent } from "./store.ts";

const LIMITS = { eventsMax: 12, bytesMax: 1_000 };
const RESOURCES = ["pods", "nodes"] as const;
const NAMESPACES = ["a", "b"] as const;
const START = 100;

/** Events that differ in kind, namespace and size; a few revisions are of kinds that keep none. */
const arbitraryEvents = fc.array(
  fc.record({
    resource: fc.constantFrom(...RESOURCES),
    namespace: fc.constantFrom(...NAMESPACES),
    bytes: fc.oneof({ weight: 20, arbitrary: fc.nat(60) }, { weight: 1, arbitrary: fc.nat(1_500) }),
    skipped: fc.nat(2),
  }),
  { maxLength: 60, size: "max" },
);

Deno.test("a ring holds the newest events that fit, returns them in order, and throws when some are gone", () => {
  fc.assert(
    fc.property(arbitraryEvents, (given) => {
      const ring = new EventRing(LIMITS, START);
      const all: StoreEvent[] = [];
      let revision = START;
      for (const { resource, namespace, bytes, skipped } of given) {
        revision += 1 + skipped;
        const event = eventOf(resource, namespace, { revision, bytes });
        all.push(event);
        ring.add(event);
      }
      assertHolds(ring, all, revision);
    }),
    { numRuns: 100 },
  );
});

Deno.test("events whose bytes are exactly as many as may be are kept; one byte more, and the oldest goes", () => {
  const ring = new EventRing({ eventsMax: 9, bytesMax: 100 }, START);
  for (const revision of [101, 102]) ring.add(eventOf("pods", "a", { revision, bytes: 50 }));
  assert.equal(ring.after(["pods"], START, 102).length, 2);
  ring.add(eventOf("pods", "a", { revision: 103, bytes: 1 }));
  assert.throws(() => ring.after(["pods"], START, 103), ExpiredError);
  assert.equal(ring.after(["pods"], 101, 103).length, 2);
});

Deno.test("a resume from the future is refused", () => {
  assert.throws(() => new EventRing(LIMITS, START).after(["pods"], START + 1, START), ExpiredError);
});

function assertHolds(ring: EventRing, all: readonly StoreEvent[], current: number): void {
  const kept = newestThatFit(all);
  for (const resource of RESOURCES) {
    const lost = all.findLast((event) => !kept.includes(event) && event.entry.key[0] === resource);
    const oldest = lost?.revision ?? START;
    for (let from = START - 1; from <= current; from++) {
      if (from < oldest) assert.throws(() => ring.after([resource], from, current), ExpiredError);
      else {
        const wanted = kept.filter(({ entry, revision }) =>
          entry.key[0] === resource && revision > from
        );
        assert.deepEqual(ring.after([resource], from, current), wanted);
        assert.deepEqual(
          ring.after([resource, "a"], from, current),
          wanted.filter(({ entry }) => entry.key[1] === "a"),
        );
      }
    }
  }
}

function newestThatFit(all: readonly StoreEvent[]): StoreEvent[] {
  const kept: StoreEvent[] = [];
  let bytes = 0;
  for (const event of all.toReversed()) {
    bytes += event.entry.bytes.length;
    if (bytes > LIMITS.bytesMax || kept.length === LIMITS.eventsMax) return kept;
    kept.unshift(event);
  }
  return kept;
}

function eventOf(
  resource: string,
  namespace: string,
  { revision, bytes }: { revision: number; bytes: number },
): StoreEvent {
  const object = { apiVersion: "v1", kind: "Any", metadata: { name: "x" } } as KubeObject;
  const key = [resource, namespace, `x-${revision}`] as const;
  const entry = { key, object, revision, bytes: new Uint8Array(bytes) };
  return { type: "ADDED", entry, previous: undefined, revision };
}
