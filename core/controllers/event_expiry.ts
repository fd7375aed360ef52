import { type Event, events } from "../resources/events.ts";
import { type Controller, type Plan, plan, remove } from "./controller.ts";
import { msOf } from "./status_conditions.ts";

/** Kubernetes: `--event-ttl`. */
const KEPT_MS = 3_600_000;

/** Deletes events an hour after they were last written. */
export const eventExpiryController: Controller<Event> = {
  name: "event-expiry-controller",
  resource: events,
  watches: [],
  workers: 1,
  reconcile(event, _view, nowMs): Plan {
    const restMs = lastMsOf(event) + KEPT_MS - nowMs;
    return restMs > 0 ? plan([], restMs) : plan([remove(events, event)]);
  },
};

function lastMsOf({ metadata, lastTimestamp, eventTime, series }: Event): number {
  return Math.max(
    msOf(metadata.creationTimestamp),
    msOf(lastTimestamp),
    msOf(eventTime),
    msOf(series?.lastObservedTime),
  );
}
