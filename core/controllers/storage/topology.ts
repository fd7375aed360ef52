import { ownField } from "../../lib/own_field.ts";
import type { Node } from "../../resources/core/nodes/nodes.ts";
import type { StorageClass } from "../../resources/storage/storage_classes.ts";

/** Whether volumes of the class may be made for the node. Kubernetes: `MatchTopologySelectorTerms`. */
export function inTopology({ allowedTopologies = [] }: StorageClass, { metadata }: Node): boolean {
  return allowedTopologies.length === 0 ||
    allowedTopologies.some(({ matchLabelExpressions = [] }) =>
      matchLabelExpressions.length > 0 &&
      matchLabelExpressions.every(({ key, values = [] }) => {
        const value = ownField(metadata.labels, key);
        return value !== undefined && values.includes(value);
      })
    );
}
