import { type Cause, forbidden } from "../../schema/causes.ts";
import {
  fallback,
  flag,
  integer,
  object,
  oneOf,
  string,
  type TypeOf,
} from "../../schema/schema.ts";
import { immutableCauses } from "../../schema/value_rules.ts";
import { ageColumn, nameColumn } from "../columns.ts";
import { defineResource, type ObjectOf } from "../resource.ts";

const priorityClass = object("How important pods are that name it.", {
  value: fallback(0, integer("Priority of the pods; those with a higher one go first.")),
  globalDefault: flag(
    "Whether pods that name no class have this priority; true for one class only.",
  ),
  description: string("What the class is for."),
  preemptionPolicy: fallback(
    "PreemptLowerPriority",
    oneOf("Whether less important pods may be ended for pods of this class.", [
      "PreemptLowerPriority",
      "Never",
    ]),
  ),
});
type Shape = TypeOf<typeof priorityClass>;

/** What users may give; above it is for the system. */
const USER_PRIORITY_MAX = 1_000_000_000;
const SYSTEM_CRITICAL = 2 * USER_PRIORITY_MAX;
const SYSTEM_PREFIX = "system-";

/** The classes that every cluster has. */
export const SYSTEM_PRIORITY_CLASSES = [
  {
    metadata: { name: "system-node-critical" },
    value: SYSTEM_CRITICAL + 1000,
    description: "For pods of the system that must stay on their node.",
  },
  {
    metadata: { name: "system-cluster-critical" },
    value: SYSTEM_CRITICAL,
    description: "For pods of the system that must run somewhere in the cluster.",
  },
] as const;

/** https://kubernetes.io/docs/concepts/scheduling-eviction/pod-priority-preemption/#priorityclass */
export const priorityClasses = defineResource({
  group: "scheduling.k8s.io",
  version: "v1",
  kind: "PriorityClass",
  plural: "priorityclasses",
  shortNames: ["pc"],
  namespaced: false,
  generation: "first",
  schema: priorityClass,
  columns: [
    nameColumn,
    {
      name: "Value",
      description: "Priority of the pods.",
      type: "integer",
      value: ({ value }) => value,
    },
    {
      name: "Global-Default",
      description: "Whether it is for pods that name no class.",
      type: "boolean",
      value: ({ globalDefault = false }) => globalDefault,
    },
    ageColumn,
    {
      name: "PreemptionPolicy",
      description: "Whether less important pods may be ended for pods of this class.",
      value: ({ preemptionPolicy }) => preemptionPolicy,
    },
  ],
  indexes: { default: ({ globalDefault }) => globalDefault ? ["true"] : [] },
  deletionFault: ({ metadata: { name } }) =>
    SYSTEM_PRIORITY_CLASSES.some((known) => known.metadata.name === name)
      ? "this is a system priority class and cannot be deleted"
      : undefined,
  validate: (next, previous) =>
    previous ? updateCauses(next, previous) : valueCauses(next, next.metadata.name),
});

export type PriorityClass = ObjectOf<typeof priorityClasses>;

function valueCauses(next: Shape, name: string): Cause[] {
  if (!name.startsWith(SYSTEM_PREFIX)) {
    if (next.value <= USER_PRIORITY_MAX) return [];
    const rule = `maximum allowed value of a user defined priority is ${USER_PRIORITY_MAX}`;
    return [forbidden("value", rule)];
  }
  const fault = systemFault(next, name);
  if (fault === undefined) return [];
  const rule =
    `priority class names with '${SYSTEM_PREFIX}' prefix are reserved for system use only`;
  return [forbidden("metadata.name", `${rule}. error: ${fault}`)];
}

function systemFault({ value, globalDefault = false }: Shape, name: string): string | undefined {
  const known = SYSTEM_PRIORITY_CLASSES.find(({ metadata }) => metadata.name === name);
  if (!known) return `${name} is not a known system priority class`;
  if (known.value !== value) return `value of ${name} PriorityClass must be ${known.value}`;
  return globalDefault ? `globalDefault of ${name} PriorityClass must be false` : undefined;
}

function updateCauses(next: Shape, previous: Shape): Cause[] {
  return [
    ...(next.value === previous.value
      ? []
      : [forbidden("value", "may not be changed in an update.")]),
    ...immutableCauses("preemptionPolicy", next.preemptionPolicy, previous.preemptionPolicy),
  ];
}
