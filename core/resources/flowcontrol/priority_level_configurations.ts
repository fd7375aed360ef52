import { ageColumn, nameColumn } from "../columns.ts";
import { conditionFields } from "../conditions.ts";
import { defineResource, type ObjectOf } from "../resource.ts";
import { mergeList, object, present } from "../../schema/schema.ts";
import { priorityLevelCauses } from "./priority_level_rules.ts";
import { type PriorityLevelSpec, priorityLevelSpec, type Queuing } from "./priority_level_spec.ts";

const condition = object(
  "One aspect of the state of the priority level.",
  conditionFields("What it is about."),
);

/** https://kubernetes.io/docs/concepts/cluster-administration/flow-control/ */
export const priorityLevelConfigurations = defineResource({
  group: "flowcontrol.apiserver.k8s.io",
  version: "v1",
  kind: "PriorityLevelConfiguration",
  plural: "prioritylevelconfigurations",
  namespaced: false,
  schema: object("How many requests of some flows are served at once.", {
    spec: present(priorityLevelSpec),
    status: present(object("How the priority level is.", {
      conditions: mergeList("Aspects of its state.", ["type"], condition),
    })),
  }),
  columns: [
    nameColumn,
    { name: "Type", description: "Whether it limits requests.", value: ({ spec }) => spec.type },
    {
      name: "NominalConcurrencyShares",
      description: "Its share of the seats of the server.",
      value: ({ spec }) => spec.limited?.nominalConcurrencyShares ?? "<none>",
    },
    queuingColumn("Queues", "How many queues there are.", "queues"),
    queuingColumn("HandSize", "Of how many queues each flow uses the shortest.", "handSize"),
    queuingColumn("QueueLengthLimit", "How many requests a queue holds.", "queueLengthLimit"),
    ageColumn,
  ],
  prepare: (next) => ({ ...next, spec: withQueuingDefaults(next.spec) }),
  validate: ({ metadata, spec }) => priorityLevelCauses(metadata, spec),
});

export type PriorityLevelConfiguration = ObjectOf<typeof priorityLevelConfigurations>;

function queuingColumn(name: string, description: string, field: keyof Queuing) {
  return {
    name,
    description,
    value: ({ spec }: { spec: PriorityLevelSpec }) =>
      spec.limited?.limitResponse.queuing?.[field] ?? "<none>",
  };
}

/** A 0 counts as not set. */
function withQueuingDefaults(spec: PriorityLevelSpec): PriorityLevelSpec {
  const queuing = spec.limited?.limitResponse.queuing;
  if (!queuing || !Object.values(queuing).includes(0)) return spec;
  const filled = {
    queues: queuing.queues || 64,
    handSize: queuing.handSize || 8,
    queueLengthLimit: queuing.queueLengthLimit || 50,
  };
  const limitResponse = { ...spec.limited!.limitResponse, queuing: filled };
  return { ...spec, limited: { ...spec.limited!, limitResponse } };
}
