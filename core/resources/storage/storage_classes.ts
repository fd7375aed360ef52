import { isEqual } from "../../lib/equality.ts";
import { type Cause, duplicate } from "../../schema/causes.ts";
import { qualifiedNameFaults } from "../../schema/names.ts";
import {
  atomic,
  boolean,
  fallback,
  list,
  mapOf,
  object,
  oneOf,
  required,
  string,
  type TypeOf,
} from "../../schema/schema.ts";
import { immutableCauses, nameCauses } from "../../schema/value_rules.ts";
import { ageColumn, nameColumn } from "../columns.ts";
import { nodeLabelDeprecation } from "../core/nodes/deprecated_labels.ts";
import { defineResource, type ObjectOf } from "../resource.ts";
import { fixedCauses, parameterCauses, provisionerCauses } from "./provisioning.ts";

const topologyTerm = atomic(object("Rules that must all hold.", {
  matchLabelExpressions: list(
    "Rules for labels of the node.",
    object("A label, and the values that it may have.", {
      key: required(string("Key of the label.")),
      values: required(list("Values that it may have.", string("Value."))),
    }),
  ),
}));
type TopologyTerm = TypeOf<typeof topologyTerm>;

/** https://kubernetes.io/docs/concepts/storage/storage-classes/ */
export const storageClasses = defineResource({
  group: "storage.k8s.io",
  version: "v1",
  kind: "StorageClass",
  plural: "storageclasses",
  shortNames: ["sc"],
  namespaced: false,
  schema: object("A kind of storage, and who makes volumes of it.", {
    provisioner: required(string("Who makes the volumes.")),
    parameters: mapOf("Settings for the provisioner.", string("Value.")),
    reclaimPolicy: fallback(
      "Delete",
      oneOf("What becomes of a volume whose claim is deleted.", ["Delete", "Retain"]),
    ),
    mountOptions: list("Options with which the volumes are mounted.", string("Option.")),
    allowVolumeExpansion: boolean("Whether claims may ask for more later."),
    volumeBindingMode: fallback(
      "Immediate",
      oneOf("When a volume is made: at once, or when the first pod wants it.", [
        "Immediate",
        "WaitForFirstConsumer",
      ]),
    ),
    allowedTopologies: list("Nodes that volumes may be made for; all when absent.", topologyTerm),
  }),
  columns: [
    { ...nameColumn, value: (it) => it.metadata.name + (isDefaultClass(it) ? " (default)" : "") },
    {
      name: "Provisioner",
      description: "Who makes the volumes.",
      value: ({ provisioner }) => provisioner,
    },
    {
      name: "ReclaimPolicy",
      description: "What becomes of a volume whose claim is deleted.",
      value: ({ reclaimPolicy }) => reclaimPolicy,
    },
    {
      name: "VolumeBindingMode",
      description: "When a volume is made.",
      value: ({ volumeBindingMode }) => volumeBindingMode,
    },
    {
      name: "AllowVolumeExpansion",
      description: "Whether claims may ask for more later.",
      value: ({ allowVolumeExpansion = false }) => allowVolumeExpansion,
    },
    ageColumn,
  ],
  indexes: { default: (storageClass) => isDefaultClass(storageClass) ? ["true"] : [] },
  validate: (next, previous) => [
    ...provisionerCauses("provisioner", next.provisioner),
    ...parameterCauses(next.parameters, { isNeeded: false }),
    ...topologyCauses(next.allowedTopologies ?? [], "allowedTopologies"),
    ...(previous
      ? [
        ...fixedCauses("parameters", next.parameters, previous.parameters),
        ...fixedCauses("provisioner", next.provisioner, previous.provisioner),
        ...fixedCauses("reclaimPolicy", next.reclaimPolicy, previous.reclaimPolicy),
        ...immutableCauses(
          "volumeBindingMode",
          next.volumeBindingMode,
          previous.volumeBindingMode,
        ),
      ]
      : []),
  ],
  warnings: (next) => topologyWarnings(next.allowedTopologies ?? [], "allowedTopologies"),
});

export type StorageClass = ObjectOf<typeof storageClasses>;

const DEFAULT = "storageclass.kubernetes.io/is-default-class";
const DEFAULT_BETA = "storageclass.beta.kubernetes.io/is-default-class";

/** Whether the class is for claims that name none. */
export function isDefaultClass(
  { metadata: { annotations = {} } }: { metadata: { annotations?: Record<string, string> } },
): boolean {
  return annotations[DEFAULT] === "true" || annotations[DEFAULT_BETA] === "true";
}

function topologyCauses(terms: readonly TopologyTerm[], field: string): Cause[] {
  const before: object[] = [];
  return terms.flatMap((term, i) => {
    const at = `${field}[${i}].matchLabelExpressions`;
    const rules = new Map<string, readonly string[]>();
    const causes = (term.matchLabelExpressions ?? []).flatMap(({ key, values }, j) => {
      const isTwice = rules.has(key);
      rules.set(key, (values ?? []).toSorted());
      return [
        ...valueCauses(values ?? [], `${at}[${j}].values`),
        ...nameCauses(`${at}[${j}].key`, key, qualifiedNameFaults),
        ...(isTwice ? [duplicate(`${at}[${j}].key`, key)] : []),
      ];
    });
    const meaning = [...rules].toSorted(([a], [b]) => a < b ? -1 : 1);
    if (before.some((other) => isEqual(other, meaning))) causes.push(duplicate(at, ""));
    before.push(meaning);
    return causes;
  });
}

function valueCauses(values: readonly string[], field: string): Cause[] {
  const seen = new Set<string>();
  return values.flatMap((value, i) => {
    if (seen.has(value)) return [duplicate(`${field}[${i}]`, value)];
    seen.add(value);
    return [];
  });
}

function topologyWarnings(terms: readonly TopologyTerm[], field: string): string[] {
  return terms.flatMap(({ matchLabelExpressions = [] }, i) =>
    matchLabelExpressions.flatMap(({ key }, j) => {
      const deprecation = nodeLabelDeprecation(key);
      return deprecation === undefined
        ? []
        : [`${field}[${i}].matchLabelExpressions[${j}].key: ${deprecation}`];
    })
  );
}
