import { isEqual } from "../../lib/equality.ts";
import { int64Of } from "../../lib/int64.ts";
import { type Cause, invalid, missing } from "../../schema/causes.ts";
import { labelSelector } from "../../schema/label_selector.ts";
import {
  allowingDuplicates,
  count,
  fallback,
  integer,
  intOrString,
  mergeList,
  object,
  oneOf,
  present,
  required,
  type TypeOf,
} from "../../schema/schema.ts";
import { ageColumn, labelsText, nameColumn, templateColumns } from "../columns.ts";
import { conditionFields } from "../conditions.ts";
import { podTemplate } from "../core/pods/spec/pod_spec.ts";
import { atMostAllCauses, shareCauses, shareOf } from "../../schema/shares.ts";
import { templateWarnings } from "../core/pods/template_rules.ts";
import {
  type Column,
  defineResource,
  type KubeObject,
  type NamespacedObject,
  type ObjectOf,
} from "../resource.ts";
import {
  decrementCauses,
  selectorChangeCauses,
  withWorkloadPrepared,
  workloadCauses,
} from "./workload_rules.ts";

/** On every DaemonSet: how often its template has changed. https://kubernetes.io/docs/reference/labels-annotations-taints/ */
export const TEMPLATE_GENERATION = "deprecated.daemonset.template.generation";

const updateStrategy = object("How old pods are replaced by new ones.", {
  type: fallback(
    "RollingUpdate",
    oneOf("Bit by bit, or when somebody deletes them.", ["RollingUpdate", "OnDelete"]),
  ),
  rollingUpdate: object("How many nodes at a time.", {
    maxUnavailable: intOrString("On how many nodes its pod may be missing, or in percent."),
    maxSurge: intOrString("On how many nodes a second pod may run meanwhile, or in percent."),
  }),
});
type UpdateStrategy = TypeOf<typeof updateStrategy>;

const daemonSetSpec = object("What the DaemonSet should be.", {
  selector: required(labelSelector),
  template: required(podTemplate),
  updateStrategy: present(updateStrategy),
  minReadySeconds: count("Seconds that a pod must be ready before it counts as available.", {
    minimum: 0,
  }),
  revisionHistoryLimit: fallback(10, integer("How many old revisions are kept.", { minimum: 0 })),
});

const nodes = (description: string) =>
  fallback(0, integer(`How many nodes ${description}.`, { minimum: 0 }));
const someNodes = (description: string) => count(`How many nodes ${description}.`, { minimum: 0 });

const daemonSetStatus = object("How the DaemonSet is.", {
  currentNumberScheduled: nodes("run its pod and should"),
  numberMisscheduled: nodes("run its pod and should not"),
  desiredNumberScheduled: nodes("should run its pod"),
  numberReady: nodes("have a pod that is ready"),
  observedGeneration: count("Generation that the controller has seen.", {
    format: "int64",
    minimum: 0,
  }),
  updatedNumberScheduled: someNodes("have a pod of the wanted template"),
  numberAvailable: someNodes("have a pod that has been ready for long enough"),
  numberUnavailable: someNodes("should have an available pod and have none"),
  collisionCount: integer("How often the hash of a template had to be made anew.", { minimum: 0 }),
  conditions: allowingDuplicates(
    mergeList(
      "Aspects of its state.",
      ["type"],
      object(
        "One aspect of the state of the DaemonSet.",
        conditionFields("What it is about."),
      ),
    ),
  ),
});

type Shape = NamespacedObject & {
  spec: TypeOf<typeof daemonSetSpec>;
  status: TypeOf<typeof daemonSetStatus>;
};

const columns: readonly Column<Shape>[] = [
  nameColumn,
  {
    name: "Desired",
    description: "How many nodes should run its pod.",
    type: "integer",
    value: ({ status }) => status.desiredNumberScheduled,
  },
  {
    name: "Current",
    description: "How many nodes run its pod and should.",
    type: "integer",
    value: ({ status }) => status.currentNumberScheduled,
  },
  {
    name: "Ready",
    description: "How many nodes have a pod that is ready.",
    type: "integer",
    value: ({ status }) => status.numberReady,
  },
  {
    name: "Up-to-date",
    description: "How many nodes have a pod of the wanted template.",
    type: "integer",
    value: ({ status }) => status.updatedNumberScheduled ?? 0,
  },
  {
    name: "Available",
    description: "How many nodes have a pod that has been ready for long enough.",
    type: "integer",
    value: ({ status }) => status.numberAvailable ?? 0,
  },
  {
    name: "Node Selector",
    description: "Labels of the nodes that its pods go to.",
    value: ({ spec }) => labelsText(spec.template.spec.nodeSelector),
  },
  ageColumn,
  ...templateColumns,
];

/** https://kubernetes.io/docs/concepts/workloads/controllers/daemonset/ */
export const daemonSets = defineResource({
  group: "apps",
  version: "v1",
  kind: "DaemonSet",
  plural: "daemonsets",
  shortNames: ["ds"],
  categories: ["all"],
  namespaced: true,
  schema: object("Keeps a pod of one template running on every node, or on some of them.", {
    spec: required(daemonSetSpec),
    status: present(daemonSetStatus),
  }),
  columns,
  prepare: (next, previous) => {
    const spec = next.spec === previous?.spec ? next.spec : withDefaults(next.spec);
    const metadata = withTemplateGeneration({ ...next, spec }, previous);
    return spec === next.spec && metadata === next.metadata ? next : { ...next, metadata, spec };
  },
  validate: ({ spec }, previous) => {
    if (previous && isEqual(spec, previous.spec)) return [];
    return [
      ...(previous ? selectorChangeCauses(spec, previous.spec) : []),
      ...workloadCauses(spec, previous?.spec, "DaemonSet"),
      ...strategyCauses(spec.updateStrategy),
    ];
  },
  validateStatus: ({ status }, previous) =>
    decrementCauses("status.collisionCount", status.collisionCount, previous.status.collisionCount),
  warnings: ({ spec }, previous) =>
    templateWarnings(spec.template, previous?.spec.template, "spec.template"),
});

export type DaemonSet = ObjectOf<typeof daemonSets>;

function withDefaults(spec: Shape["spec"]): Shape["spec"] {
  return { ...withWorkloadPrepared(spec), updateStrategy: withBounds(spec.updateStrategy) };
}

/**
 * The annotation that counts changes of the template, whatever the user says: 1 at first. It stands for a field of
 * `extensions/v1beta1`. Kubernetes: `PrepareForUpdate` in `pkg/registry/apps/daemonset/strategy.go`.
 */
function withTemplateGeneration(next: Shape, previous?: Shape): Shape["metadata"] {
  const generation = previous === undefined
    ? templateGenerationOf(next) || 1n
    : templateGenerationOf(previous) +
      BigInt(!isEqual(next.spec.template, previous.spec.template));
  const { annotations } = next.metadata;
  const value = String(generation);
  if (annotations?.[TEMPLATE_GENERATION] === value) return next.metadata;
  return { ...next.metadata, annotations: { ...annotations, [TEMPLATE_GENERATION]: value } };
}

function templateGenerationOf({ metadata: { annotations } }: KubeObject): bigint {
  const generation = int64Of(annotations?.[TEMPLATE_GENERATION]) ?? 0n;
  return generation > 0n ? generation : 0n;
}

function withBounds(strategy: UpdateStrategy): UpdateStrategy {
  if (strategy.type !== "RollingUpdate") return strategy;
  return {
    ...strategy,
    rollingUpdate: { maxUnavailable: 1, maxSurge: 0, ...strategy.rollingUpdate },
  };
}

function strategyCauses({ type, rollingUpdate }: UpdateStrategy): Cause[] {
  if (type !== "RollingUpdate") return [];
  const { maxUnavailable = 1, maxSurge = 0 } = rollingUpdate ?? {};
  const field = "spec.updateStrategy.rollingUpdate";
  const causes = [
    ...shareCauses(`${field}.maxUnavailable`, maxUnavailable),
    ...shareCauses(`${field}.maxSurge`, maxSurge),
    ...atMostAllCauses(`${field}.maxUnavailable`, maxUnavailable),
    ...atMostAllCauses(`${field}.maxSurge`, maxSurge),
  ];
  const hasUnavailable = (shareOf(maxUnavailable) ?? 0) !== 0;
  const hasSurge = (shareOf(maxSurge) ?? 0) !== 0;
  if (hasUnavailable && hasSurge) {
    const rule = "may not be set when maxUnavailable is non-zero";
    causes.push(invalid(`${field}.maxSurge`, maxSurge, rule));
  } else if (!hasUnavailable && !hasSurge) {
    causes.push(missing(`${field}.maxUnavailable`, "cannot be 0 when maxSurge is 0"));
  }
  return causes;
}
