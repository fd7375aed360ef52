import { type Cause, invalid } from "../../schema/causes.ts";
import { labelSelector, labelSelectorCauses } from "../../schema/label_selector.ts";
import { subdomainFaults } from "../../schema/names.ts";
import { compareQuantities, quantityFault } from "../../schema/quantities.ts";
import { fallback, kept, object, quantity, string, type TypeOf } from "../../schema/schema.ts";
import { immutableCauses } from "../../schema/value_rules.ts";
import { createdColumn, nameColumn } from "../columns.ts";
import { nodeSelectorWarnings } from "../core/nodes/deprecated_labels.ts";
import { defineResource, type ObjectOf } from "../resource.ts";
import { storedOnlyWarnings } from "../unimplemented_fields.ts";

const csiStorageCapacity = object("How much room a driver has for a class and some nodes.", {
  nodeTopology: labelSelector,
  storageClassName: fallback("", kept(string("StorageClass that it is about; it stays."))),
  capacity: quantity("How much room there is."),
  maximumVolumeSize: quantity("How large one volume can be."),
});
type Shape = TypeOf<typeof csiStorageCapacity>;

/** https://kubernetes.io/docs/concepts/storage/storage-capacity/ */
export const csiStorageCapacities = defineResource({
  group: "storage.k8s.io",
  version: "v1",
  kind: "CSIStorageCapacity",
  plural: "csistoragecapacities",
  namespaced: true,
  needsVersion: true,
  schema: csiStorageCapacity,
  columns: [nameColumn, createdColumn], // Kubernetes has no others for this version
  validate: (next, previous) => [
    ...capacityCauses(next),
    ...(previous
      ? [
        ...immutableCauses("nodeTopology", next.nodeTopology, previous.nodeTopology),
        ...immutableCauses("storageClassName", next.storageClassName, previous.storageClassName),
      ]
      : []),
  ],
  warnings: (next, previous) => [
    ...nodeSelectorWarnings(next.nodeTopology, "nodeTopology"),
    ...storedOnlyWarnings("CSIStorageCapacity", previous, "no pod is placed by it"),
  ],
});

export type CsiStorageCapacity = ObjectOf<typeof csiStorageCapacities>;

function capacityCauses({ nodeTopology, storageClassName, capacity }: Shape): Cause[] {
  const causes = nodeTopology ? labelSelectorCauses(nodeTopology, "nodeTopology") : [];
  for (const fault of subdomainFaults(storageClassName)) {
    causes.push(invalid("storageClassName", storageClassName, fault));
  }
  const isAmount = capacity !== undefined && quantityFault(capacity) === undefined;
  if (isAmount && compareQuantities(capacity, "0") < 0) {
    causes.push(invalid("capacity", capacity, "must be greater than or equal to 0"));
  }
  return causes;
}
