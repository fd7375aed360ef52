import { type Cause, invalid } from "../../schema/causes.ts";
import { eventColumns } from "./event_columns.ts";
import { eventOfEventsGroup, fromStoredEvent, toStoredEvent } from "./event_conversion.ts";
import { coreEvent } from "./event_shape.ts";
import { defineResource, type ObjectOf, wholeObject } from "../resource.ts";

const FIELDS_OF_EVENTS_GROUP = {
  "regarding.kind": "involvedObject.kind",
  "regarding.namespace": "involvedObject.namespace",
  "regarding.name": "involvedObject.name",
  "regarding.uid": "involvedObject.uid",
  "regarding.apiVersion": "involvedObject.apiVersion",
  "regarding.resourceVersion": "involvedObject.resourceVersion",
  "regarding.fieldPath": "involvedObject.fieldPath",
  reason: "reason",
  reportingController: "reportingComponent",
  type: "type",
};

/** https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/ */
export const events = defineResource({
  group: "",
  version: "v1",
  kind: "Event",
  plural: "events",
  shortNames: ["ev"],
  namespaced: true,
  schema: coreEvent,
  columns: eventColumns,
  fields: {
    "involvedObject.kind": ({ involvedObject }) => involvedObject.kind ?? "",
    "involvedObject.namespace": ({ involvedObject }) => involvedObject.namespace ?? "",
    "involvedObject.name": ({ involvedObject }) => involvedObject.name ?? "",
    "involvedObject.uid": ({ involvedObject }) => involvedObject.uid ?? "",
    "involvedObject.apiVersion": ({ involvedObject }) => involvedObject.apiVersion ?? "",
    "involvedObject.resourceVersion": ({ involvedObject }) => involvedObject.resourceVersion ?? "",
    "involvedObject.fieldPath": ({ involvedObject }) => involvedObject.fieldPath ?? "",
    reason: ({ reason }) => reason ?? "",
    reportingComponent: ({ reportingComponent }) => reportingComponent,
    source: ({ source, reportingComponent }) => source.component ?? reportingComponent,
    type: ({ type }) => type ?? "",
  },
  servedVersions: [{
    group: "events.k8s.io",
    version: "v1",
    schema: wholeObject(eventOfEventsGroup),
    fromStored: fromStoredEvent,
    toStored: toStoredEvent,
    fields: FIELDS_OF_EVENTS_GROUP,
  }],
  validate: ({ involvedObject, metadata }): Cause[] => {
    const { namespace } = involvedObject;
    // What has no namespace has its events in "default".
    const isRight = namespace ? namespace === metadata.namespace : metadata.namespace === "default";
    return isRight
      ? []
      : [invalid("involvedObject.namespace", namespace ?? "", "does not match event.namespace")];
  },
});

export type Event = ObjectOf<typeof events>;
