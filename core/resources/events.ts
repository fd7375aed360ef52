import { objectReference } from "./references.ts";
import { defineResource, type ObjectOf } from "./resource.ts";
import { count, fallback, object, present, required, string, time } from "./schema.ts";

/** https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/ */
export const events = defineResource({
  group: "",
  version: "v1",
  kind: "Event",
  plural: "events",
  shortNames: ["ev"],
  namespaced: true,
  schema: object("Something that happened to an object.", {
    involvedObject: required(objectReference),
    reason: string("What happened, in one word for machines."),
    message: string("What happened, in a sentence for people."),
    source: present(object("Who says so.", {
      component: string("Part of the cluster."),
      host: string("Node that it is on."),
    })),
    firstTimestamp: time("When it happened first."),
    lastTimestamp: time("When it happened last."),
    count: count("How often it has happened."),
    type: string("Normal or Warning."),
    eventTime: time("When it happened, to the microsecond."),
    series: object("That it goes on happening.", {
      count: count("How often it has happened."),
      lastObservedTime: time("When it happened last."),
    }),
    action: string("What was done about it."),
    related: objectReference,
    reportingComponent: fallback("", string("Who says so, such as `kubernetes.io/kubelet`.")),
    reportingInstance: fallback("", string("Which of those that run says so.")),
  }),
});

export type Event = ObjectOf<typeof events>;
