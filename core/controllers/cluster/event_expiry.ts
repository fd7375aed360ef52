import { msOf } from "../../lib/timestamp.ts";
import type { View } from "../../client/client.ts";
import { type Event, events } from "../../resources/events/events.ts";
import {
  keyOf,
  type Loop,
  nameOf,
  NOTHING,
  type Plan,
  plan,
  remove,
} from "../runtime/controller.ts";

/** kube-apiserver's default `--event-ttl`. */
export const EVENT_KEPT_MS = 3_600_000;
/** Kubernetes has no such bound; a pod that fails in a new way each second must not fill a small disk. */
export const EVENTS_MAX = 10_000;
/** However much happens in one namespace, the others keep their events. */
export const EVENTS_IN_NAMESPACE_MAX = 2_500;
/** The share that is deleted when there are too many: sorting all of them for each single one would cost too much. */
const SHARE_REMOVED = 0.1;
/** Deletions of one plan; the rest follows with the next look. */
const DELETIONS_MAX = 1_000;

/**
 * Deletes events an hour after they were last written, and the oldest when there are too many, in one namespace or
 * in all. The events themselves say what is due, so a restart changes nothing; while nothing is due, nothing is
 * written and nothing runs.
 *
 * Keys are `namespace/name` for an event, `namespace/` for the number in a namespace, `/` for the number in all.
 */
export const eventExpiry: Loop = {
  name: "event-expiry-controller",
  workers: 1,
  start: (view, add) => ({
    reconcile: (key, { nowMs }) => reconcile(key, view, nowMs),
    stop: follow(view, add),
  }),
};

function reconcile(key: string, view: View, nowMs: number): Plan {
  if (key === "/") return removalOfOldest(view.list(events), EVENTS_MAX, nowMs);
  if (key.endsWith("/")) {
    return removalOfOldest(view.list(events, key.slice(0, -1)), EVENTS_IN_NAMESPACE_MAX, nowMs);
  }
  const event = view.get(events, nameOf(key));
  if (event === undefined) return NOTHING;
  // A clock that was set back must not keep an event for years.
  const restMs = Math.min(lastMsOf(event, nowMs) + EVENT_KEPT_MS - nowMs, EVENT_KEPT_MS);
  return restMs > 0 ? plan([], restMs) : plan([remove(events, event)]);
}

/** A change of an event only postpones its end; that is seen when the time has come. */
function follow(view: View, add: (key: string) => void): () => void {
  const counts = new Map<string, number>();
  let total = 0;
  const count = (namespace: string, by: 1 | -1): number => {
    const inNamespace = (counts.get(namespace) ?? 0) + by;
    if (inNamespace > 0) counts.set(namespace, inNamespace);
    else counts.delete(namespace);
    total += by;
    return inNamespace;
  };
  const take = ({ metadata }: Event) => {
    const { namespace } = metadata;
    if (count(namespace!, 1) > EVENTS_IN_NAMESPACE_MAX) add(`${namespace}/`);
    if (total > EVENTS_MAX) add("/");
    add(keyOf(metadata));
  };
  const stop = view.subscribe(events, ({ type, object }) => {
    if (type === "ADDED") take(object);
    else if (type === "DELETED") count(object.metadata.namespace!, -1);
  });
  for (const event of view.list(events)) take(event);
  return stop;
}

function removalOfOldest(all: readonly Event[], max: number, nowMs: number): Plan {
  if (all.length <= max) return NOTHING;
  const excess = all.length - Math.floor(max * (1 - SHARE_REMOVED));
  const oldest = all.map((event) => ({ event, lastMs: lastMsOf(event, nowMs) }))
    .sort((a, b) => a.lastMs - b.lastMs).slice(0, Math.min(excess, DELETIONS_MAX));
  const writes = oldest.map(({ event }) => remove(events, event));
  return excess > DELETIONS_MAX ? plan(writes, 0) : plan(writes);
}

/**
 * When the event was last written, by the server's clock or its writer's; a time in the future comes from a wrong clock
 * and does not count.
 */
function lastMsOf({ metadata, lastTimestamp, eventTime, series }: Event, nowMs: number): number {
  const told = [lastTimestamp, eventTime, series?.lastObservedTime].map(msOf);
  return Math.max(msOf(metadata.creationTimestamp), ...told.filter((ms) => ms <= nowMs));
}
