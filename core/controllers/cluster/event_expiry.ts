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
/** Whatever happens in one namespace, the others keep what is told of them. */
export const EVENTS_IN_NAMESPACE_MAX = 2_500;
/** When there are too many, this part of them goes at once: to look at all of them each time would cost too much. */
const SHARE_REMOVED = 0.1;
/** Deletions of one plan; the rest follows with the next look. */
const DELETIONS_MAX = 1_000;

/**
 * Deletes events an hour after they were last written, and the oldest when there are too many, in one namespace or
 * in all. What is due is asked of the events themselves, so a restart changes nothing; when nothing is due, nothing
 * is written and nobody wakes.
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
  if (key === "/") return withoutOldest(view.list(events), EVENTS_MAX, nowMs);
  if (key.endsWith("/")) {
    return withoutOldest(view.list(events, key.slice(0, -1)), EVENTS_IN_NAMESPACE_MAX, nowMs);
  }
  const event = view.get(events, nameOf(key));
  if (event === undefined) return NOTHING;
  // A clock that was set back must not keep an event for years.
  const restMs = Math.min(lastMsOf(event, nowMs) + EVENT_KEPT_MS - nowMs, EVENT_KEPT_MS);
  return restMs > 0 ? plan([], restMs) : plan([remove(events, event)]);
}

/** A change of an event only puts off what is due; that is seen when the time has come. */
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

function withoutOldest(all: readonly Event[], max: number, nowMs: number): Plan {
  if (all.length <= max) return NOTHING;
  const excess = all.length - Math.floor(max * (1 - SHARE_REMOVED));
  const oldest = all.map((event) => ({ event, lastMs: lastMsOf(event, nowMs) }))
    .sort((a, b) => a.lastMs - b.lastMs).slice(0, Math.min(excess, DELETIONS_MAX));
  const writes = oldest.map(({ event }) => remove(events, event));
  return excess > DELETIONS_MAX ? plan(writes, 0) : plan(writes);
}

/**
 * When the event was last written, as far as that can be told: besides the server, its writer says so, and a time that
 * is to come only tells of a wrong clock.
 */
function lastMsOf({ metadata, lastTimestamp, eventTime, series }: Event, nowMs: number): number {
  const told = [lastTimestamp, eventTime, series?.lastObservedTime].map(msOf);
  return Math.max(msOf(metadata.creationTimestamp), ...told.filter((ms) => ms <= nowMs));
}
