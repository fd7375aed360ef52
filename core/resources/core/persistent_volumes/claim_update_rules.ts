import { isEqual } from "../../../lib/equality.ts";
import { ownField } from "../../../lib/own_field.ts";
import { type Cause, forbidden, invalid, notSupported } from "../../../schema/causes.ts";
import { qualifiedNameFaults } from "../../../schema/names.ts";
import { compareQuantities, quantityFault } from "../../../schema/quantities.ts";
import { immutableCauses } from "../../../schema/value_rules.ts";
import type { ClaimSpec, ClaimStatus } from "../pods/spec/claims.ts";
import { amountCauses } from "../pods/spec/rules/claim_rules.ts";
import { CLASS_ANNOTATION } from "./access_modes.ts";

interface Claim {
  metadata: { annotations?: Record<string, string> };
  spec: ClaimSpec;
  status: ClaimStatus;
}

const IMMUTABLE =
  "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims";
const FIXED = "field is immutable";

/** What of a claim stays, in the words of `ValidatePersistentVolumeClaimUpdate`. */
export function claimUpdateCauses(next: Claim, previous: Claim): Cause[] {
  const causes: Cause[] = [];
  const takesUpField = takesUpClassField(next, previous);
  const [annotation, before] = [classAnnotationOf(next), classAnnotationOf(previous)];
  if (!takesUpField && (annotation ?? "") !== (before ?? "")) {
    causes.push(invalid(`metadata.annotations.${CLASS_ANNOTATION}`, annotation ?? "", FIXED));
  }
  if (!isEqual(fixedPartOf(next, previous, takesUpField), previous.spec)) {
    causes.push(forbidden("spec", IMMUTABLE));
  }
  const size = ownField(next.spec.resources.requests, "storage") ?? "0";
  if (isLess(size, ownField(previous.spec.resources.requests, "storage") ?? "0")) {
    const had = ownField(previous.status.capacity, "storage") ?? "0";
    if (!isLess(had, size)) {
      const rule = "field can not be less than status.capacity";
      causes.push(forbidden("spec.resources.requests.storage", rule));
    }
  }
  return [
    ...causes,
    ...immutableCauses("volumeMode", next.spec.volumeMode, previous.spec.volumeMode),
    ...attributesClassCauses(next.spec.volumeAttributesClassName, previous.status),
  ];
}

/** The spec with everything put back that may change. */
function fixedPartOf(next: Claim, previous: Claim, takesUpField: boolean): ClaimSpec {
  const { volumeName, storageClassName, volumeAttributesClassName, resources, ...rest } = next.spec;
  const { spec: before } = previous;
  const name = before.volumeName ? volumeName : undefined;
  const mayHaveClass = takesUpField ||
    (before.storageClassName === undefined && classAnnotationOf(previous) === undefined);
  const storageClass = mayHaveClass ? before.storageClassName : storageClassName;
  const isBound = next.status.phase === "Bound";
  const attributes = isBound ? before.volumeAttributesClassName : volumeAttributesClassName;
  return {
    ...rest,
    resources: isBound ? withStorageOf(resources, before.resources) : resources,
    ...(name && { volumeName: name }),
    ...(storageClass !== undefined && { storageClassName: storageClass }),
    ...(attributes !== undefined && { volumeAttributesClassName: attributes }),
  };
}

function withStorageOf(
  resources: ClaimSpec["resources"],
  { requests }: ClaimSpec["resources"],
): ClaimSpec["resources"] {
  const storage = ownField(requests, "storage");
  if (!resources.requests || storage === undefined) return resources;
  return { ...resources, requests: { ...resources.requests, storage } };
}

/** Whether the class moves from the old annotation, which stays or goes, to the field. */
function takesUpClassField(next: Claim, previous: Claim): boolean {
  const before = classAnnotationOf(previous);
  return before !== undefined && previous.spec.storageClassName === undefined &&
    next.spec.storageClassName === before &&
    (classAnnotationOf(next) ?? before) === before;
}

function classAnnotationOf({ metadata }: Claim): string | undefined {
  return ownField(metadata.annotations, CLASS_ANNOTATION);
}

function attributesClassCauses(next: string | undefined, status: ClaimStatus): Cause[] {
  if (next || status.currentVolumeAttributesClassName === undefined) return [];
  const what = next === undefined ? "nil" : "empty string";
  const rule =
    `update to ${what} is forbidden when status.currentVolumeAttributesClassName is not nil`;
  return [forbidden("spec.volumeAttributesClassName", rule)];
}

/** Also when one is no amount: the schema has named it. */
function isLess(a: string, b: string): boolean {
  return isAmount(a) && isAmount(b) && compareQuantities(a, b) < 0;
}

function isAmount(text: string): boolean {
  return quantityFault(text) === undefined;
}

const RESIZE_STATES = [
  "ControllerResizeInProgress",
  "ControllerResizeInfeasible",
  "NodeResizePending",
  "NodeResizeInProgress",
  "NodeResizeInfeasible",
].sort();

/** In the words of `ValidatePersistentVolumeClaimStatusUpdate`. */
export function claimStatusCauses(status: ClaimStatus): Cause[] {
  const { capacity = {}, allocatedResources = {}, allocatedResourceStatuses = {} } = status;
  const statuses = "status.allocatedResourceStatuses", amounts = "status.allocatedResources";
  return [
    ...Object.entries(capacity).flatMap(([name, amount]) =>
      amountCauses(amount, `status.capacity[${name}]`)
    ),
    ...Object.entries(allocatedResourceStatuses).flatMap(([name, state]) => [
      ...resourceNameCauses(name, statuses),
      ...(RESIZE_STATES.includes(state) ? [] : [notSupported(statuses, name, RESIZE_STATES)]),
    ]),
    ...Object.entries(allocatedResources).flatMap(([name, amount]) => {
      const causes = resourceNameCauses(name, amounts);
      return causes.length > 0 ? causes : amountCauses(amount, `${amounts}[${name}]`);
    }),
  ];
}

/** `storage`, or a name of somebody's own. */
function resourceNameCauses(name: string, field: string): Cause[] {
  const faults = qualifiedNameFaults(name);
  if (faults.length > 0) return faults.map((fault) => invalid(field, name, fault));
  const isNative = !name.includes("/") || name.split("/")[0]!.endsWith("kubernetes.io");
  return isNative && name !== "storage" ? [notSupported(field, name, ["storage"])] : [];
}
