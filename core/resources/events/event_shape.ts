import { objectReference } from "../../schema/references.ts";
import {
  count,
  fallback,
  object,
  present,
  required,
  string,
  time,
  type TypeOf,
} from "../../schema/schema.ts";

export const eventSource = object("Who says so.", {
  component: string("Part of the cluster."),
  host: string("Node that it is on."),
});

export const eventSeries = object("That it goes on happening.", {
  count: count("How often it has happened."),
  lastObservedTime: time("When it happened last."),
});

/** What both versions of an Event have. */
export const sharedEventFields = {
  reason: string("What happened, in one word for machines."),
  type: string("Normal or Warning."),
  series: eventSeries,
  action: string("What was done about it."),
  related: objectReference,
};

/** https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/ */
export const coreEvent = object("Something that happened to an object.", {
  involvedObject: required(objectReference),
  ...sharedEventFields,
  message: string("What happened, in a sentence for people."),
  source: present(eventSource),
  firstTimestamp: time("When it happened first."),
  lastTimestamp: time("When it happened last."),
  count: count("How often it has happened."),
  eventTime: time("When it happened, to the microsecond."),
  reportingComponent: fallback("", string("Who says so, such as `kubernetes.io/kubelet`.")),
  reportingInstance: fallback("", string("Which of those that run says so.")),
});
export type CoreEvent = TypeOf<typeof coreEvent>;
