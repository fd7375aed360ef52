import { isEqual } from "../../lib/equality.ts";
import { type Cause, invalid, missing } from "../../schema/causes.ts";
import {
  allowingDuplicates,
  atomic,
  count,
  fallback,
  integer,
  mapOf,
  mergeList,
  object,
  present,
  required,
  string,
  type TypeOf,
} from "../../schema/schema.ts";
import { matches, selectorOf } from "../../schema/selectors.ts";
import { ageColumn, containerColumns, labelsText, nameColumn } from "../columns.ts";
import { conditionFields } from "../conditions.ts";
import { type Column, defineResource, type NamespacedObject, type ObjectOf } from "../resource.ts";
import { podTemplate } from "./pods/spec/pod_spec.ts";
import {
  endlessCauses,
  nameWarnings,
  templateCauses,
  templateWarnings,
  withTemplatePrepared,
} from "./pods/template_rules.ts";

const controllerSpec = object("What the ReplicationController should be.", {
  replicas: fallback(1, integer("How many pods there should be.", { minimum: 0 })),
  minReadySeconds: count("Seconds that a pod must be ready before it counts as available.", {
    minimum: 0,
  }),
  selector: atomic(
    mapOf("Labels that its pods have; those of the template when absent.", string("Value.")),
  ),
  template: required(podTemplate),
});
type Spec = TypeOf<typeof controllerSpec>;

const controllerStatus = object("How the ReplicationController is.", {
  replicas: fallback(0, integer("How many pods there are.", { minimum: 0 })),
  fullyLabeledReplicas: count("How many of them have all labels of the template.", { minimum: 0 }),
  readyReplicas: count("How many of them are ready.", { minimum: 0 }),
  availableReplicas: count("How many of them have been ready for long enough.", { minimum: 0 }),
  observedGeneration: count("Generation that the controller has seen.", {
    format: "int64",
    minimum: 0,
  }),
  conditions: allowingDuplicates(
    mergeList(
      "Aspects of its state.",
      ["type"],
      object(
        "One aspect of the state of the ReplicationController.",
        conditionFields("What it is about: ReplicaFailure."),
      ),
    ),
  ),
});
type Status = TypeOf<typeof controllerStatus>;

type Shape = NamespacedObject & { spec: Spec; status: Status };

const columns: readonly Column<Shape>[] = [
  nameColumn,
  {
    name: "Desired",
    description: "How many pods there should be.",
    type: "integer",
    value: ({ spec }) => spec.replicas,
  },
  {
    name: "Current",
    description: "How many pods there are.",
    type: "integer",
    value: ({ status }) => status.replicas,
  },
  {
    name: "Ready",
    description: "How many of them are ready.",
    type: "integer",
    value: ({ status }) => status.readyReplicas ?? 0,
  },
  ageColumn,
  ...containerColumns,
  {
    name: "Selector",
    description: "Labels that its pods have.",
    priority: 1,
    value: ({ spec }) => labelsText(spec.selector),
  },
];

/** https://kubernetes.io/docs/concepts/workloads/controllers/replicationcontroller/ */
export const replicationControllers = defineResource({
  group: "",
  version: "v1",
  kind: "ReplicationController",
  plural: "replicationcontrollers",
  shortNames: ["rc"],
  categories: ["all"],
  namespaced: true,
  schema: object("Keeps a number of pods of one template running; ReplicaSets do it better.", {
    spec: required(controllerSpec),
    status: present(controllerStatus),
  }),
  scale: {
    specReplicas: ["spec", "replicas"],
    statusReplicas: ["status", "replicas"],
    selector: ["spec", "selector"],
    selectsBy: "labels",
  },
  columns,
  fields: { "status.replicas": ({ status }) => String(status.replicas) },
  prepare: (next, previous) => next.spec === previous?.spec ? next : withDefaults(next),
  validate: ({ spec }, previous) => controllerCauses(spec, previous?.spec),
  validateStatus: ({ status }) => statusCauses(status),
  warnings: (next, previous) => [
    ...nameWarnings(next, previous),
    ...templateWarnings(next.spec.template, previous?.spec.template, "spec.template"),
  ],
});

export type ReplicationController = ObjectOf<typeof replicationControllers>;

/** What has no selector or labels of its own has those of its template. */
function withDefaults(controller: Shape): Shape {
  const { metadata } = controller;
  const spec = { ...controller.spec, template: withTemplatePrepared(controller.spec.template) };
  const { labels } = spec.template.metadata ?? {};
  if (!labels) return { ...controller, spec };
  const isLabelled = Object.keys(metadata.labels ?? {}).length > 0;
  return {
    ...controller,
    metadata: isLabelled ? metadata : { ...metadata, labels },
    spec: { ...spec, ...(!selects(spec.selector) && { selector: labels }) },
  };
}

/** An empty selector is none: it would select all pods. */
function selects(selector: Spec["selector"]): boolean {
  return Object.keys(selector ?? {}).length > 0;
}

/** In the words of `ValidateReplicationControllerSpec`. */
function controllerCauses(next: Spec, previous: Spec | undefined): Cause[] {
  if (previous && isEqual(next, previous)) return [];
  const { selector, template } = next;
  const { labels } = template.metadata ?? {};
  const causes: Cause[] = [];
  if (!selector || !selects(selector)) causes.push(missing("spec.selector"));
  else if (!matches(selectorOf({ matchLabels: selector }), labels)) {
    const rule = "`selector` does not match template `labels`";
    causes.push(invalid("spec.template.metadata.labels", labels ?? null, rule));
  }
  return [
    ...causes,
    ...templateCauses(template, previous?.template, "spec.template"),
    ...endlessCauses(template, "spec.template", "ReplicationController"),
  ];
}

function statusCauses(status: Status): Cause[] {
  const { replicas, readyReplicas = 0, availableReplicas = 0 } = status;
  const causes: Cause[] = [];
  for (const name of ["fullyLabeledReplicas", "readyReplicas", "availableReplicas"] as const) {
    const value = status[name] ?? 0;
    if (value <= replicas) continue;
    causes.push(invalid(`status.${name}`, value, "cannot be greater than status.replicas"));
  }
  if (availableReplicas > readyReplicas) {
    const rule = "cannot be greater than readyReplicas";
    causes.push(invalid("status.availableReplicas", availableReplicas, rule));
  }
  return causes;
}
