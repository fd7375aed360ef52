import { type CoreEvent, eventSource, sharedEventFields } from "./event_shape.ts";
import { objectReference } from "../../schema/references.ts";
import type { NamespacedObject } from "../resource.ts";
import { count, object, present, string, time, type TypeOf } from "../../schema/schema.ts";

/** https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/ (events.k8s.io) */
export const eventOfEventsGroup = object("Something that happened to an object.", {
  eventTime: time("When it happened, to the microsecond."),
  ...sharedEventFields,
  reportingController: string("Who says so, such as `kubernetes.io/kubelet`."),
  reportingInstance: string("Which of those that run says so."),
  regarding: objectReference,
  note: string("What happened, in a sentence for people."),
  deprecatedSource: present(eventSource),
  deprecatedFirstTimestamp: time("When it happened first."),
  deprecatedLastTimestamp: time("When it happened last."),
  deprecatedCount: count("How often it has happened."),
});
type EventOfEventsGroup = NamespacedObject & TypeOf<typeof eventOfEventsGroup>;

/** The fields that have other names in events.k8s.io. */
const RENAMED = [
  ["involvedObject", "regarding"],
  ["message", "note"],
  ["source", "deprecatedSource"],
  ["firstTimestamp", "deprecatedFirstTimestamp"],
  ["lastTimestamp", "deprecatedLastTimestamp"],
  ["count", "deprecatedCount"],
  ["reportingComponent", "reportingController"],
] as const;

export function fromStoredEvent(stored: NamespacedObject & CoreEvent): EventOfEventsGroup {
  const event = renamed(stored, RENAMED.map(([core, other]) => [core, other]));
  // Every field of the one is a field of the other, under its own or its other name.
  return { ...event, apiVersion: "events.k8s.io/v1" } as unknown as EventOfEventsGroup;
}

export function toStoredEvent(served: unknown): NamespacedObject & CoreEvent {
  const event = renamed(served as object, RENAMED.map(([core, other]) => [other, core]));
  return {
    involvedObject: {},
    source: {},
    reportingComponent: "",
    reportingInstance: "",
    ...event,
    apiVersion: "v1",
  } as unknown as NamespacedObject & CoreEvent; // as above; the shape was checked before
}

function renamed(value: object, names: readonly (readonly [string, string])[]): object {
  const newNames = new Map(names);
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [newNames.get(name) ?? name, field]),
  );
}
