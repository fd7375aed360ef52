import { ageOf } from "../../schema/durations.ts";
import type { CoreEvent } from "./event_shape.ts";
import type { Column, NamespacedObject } from "../resource.ts";

type Event = NamespacedObject & CoreEvent;

/** What `kubectl get events` shows. After k8s.io/kubernetes/pkg/printers/internalversion/printers.go. */
export const eventColumns: readonly Column<Event>[] = [
  {
    name: "Last Seen",
    description: "Time since it happened last.",
    value: (event, nowMs) => ageOf(lastTimeOf(event), nowMs),
  },
  { name: "Type", description: "Normal or Warning.", value: ({ type }) => type ?? "" },
  { name: "Reason", description: "What happened.", value: ({ reason }) => reason ?? "" },
  {
    name: "Object",
    description: "What it happened to.",
    value: ({ involvedObject: { kind = "", name } }) =>
      name ? `${kind.toLowerCase()}/${name}` : kind.toLowerCase(),
  },
  {
    name: "Subobject",
    description: "The part that it happened to.",
    priority: 1,
    value: ({ involvedObject }) => involvedObject.fieldPath ?? "",
  },
  { name: "Source", description: "Who says so.", priority: 1, value: sourceOf },
  {
    name: "Message",
    description: "What happened, for people.",
    value: ({ message }) => (message ?? "").trim(),
  },
  {
    name: "First Seen",
    description: "Time since it happened first.",
    priority: 1,
    value: (event, nowMs) => ageOf(event.firstTimestamp ?? event.eventTime, nowMs),
  },
  {
    name: "Count",
    description: "How often it has happened.",
    priority: 1,
    value: ({ series, count }) => series?.count ?? count ?? 1,
  },
  {
    name: "Name",
    description: "Name of the event.",
    priority: 1,
    value: ({ metadata }) => metadata.name,
  },
];

function lastTimeOf({ series, lastTimestamp, firstTimestamp, eventTime }: Event) {
  return series?.lastObservedTime ?? lastTimestamp ?? firstTimestamp ?? eventTime;
}

function sourceOf({ source, reportingComponent, reportingInstance }: Event): string {
  const component = source.component || reportingComponent;
  const host = source.host || reportingInstance;
  return host ? `${component}, ${host}` : component;
}
