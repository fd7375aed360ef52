import { ageColumn, nameColumn } from "../columns.ts";
import { conditionFields, conditionOf } from "../conditions.ts";
import { defineResource, type ObjectOf } from "../resource.ts";
import { mergeList, object, present, type TypeOf } from "../../schema/schema.ts";
import { flowSchemaCauses } from "./flow_schema_rules.ts";
import { flowSchemaSpec } from "./flow_schema_spec.ts";

const condition = object(
  "One aspect of the state of the FlowSchema.",
  conditionFields("What it is about: Dangling."),
);
export type FlowSchemaCondition = TypeOf<typeof condition>;

/** https://kubernetes.io/docs/concepts/cluster-administration/flow-control/ */
export const flowSchemas = defineResource({
  group: "flowcontrol.apiserver.k8s.io",
  version: "v1",
  kind: "FlowSchema",
  plural: "flowschemas",
  namespaced: false,
  schema: object("Which requests belong together, and how they are limited.", {
    spec: present(flowSchemaSpec),
    status: present(object("How the FlowSchema is.", {
      conditions: mergeList("Aspects of its state.", ["type"], condition),
    })),
  }),
  columns: [
    nameColumn,
    {
      name: "PriorityLevel",
      description: "How its requests are limited.",
      value: ({ spec }) => spec.priorityLevelConfiguration.name,
    },
    {
      name: "MatchingPrecedence",
      description: "Of several that match, the least counts.",
      value: ({ spec }) => spec.matchingPrecedence,
    },
    {
      name: "DistinguisherMethod",
      description: "How its requests are told apart.",
      value: ({ spec }) => spec.distinguisherMethod?.type ?? "<none>",
    },
    ageColumn,
    {
      name: "MissingPL",
      description: "Whether there is no such priority level.",
      value: ({ status }) => conditionOf(status.conditions, "Dangling")?.status ?? "?",
    },
  ],
  prepare: (next) =>
    next.spec.matchingPrecedence === 0
      ? { ...next, spec: { ...next.spec, matchingPrecedence: 1000 } }
      : next,
  validate: ({ metadata, spec }) => flowSchemaCauses(metadata.name, spec),
});

export type FlowSchema = ObjectOf<typeof flowSchemas>;
