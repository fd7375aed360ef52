import { ApiError } from "../../../client/api_error.ts";
import { isEqual } from "../../../lib/equality.ts";
import { type Ipv4Range, parseIpv4Range } from "../../../lib/addresses/ipv4.ts";
import { isJsonObject } from "../../../lib/json/json_value.ts";
import type { KubeObject } from "../../../resources/resource.ts";
import type { Objects } from "../../../objects/objects.ts";
import { PROVISIONER_FINALIZER } from "../../../resources/core/persistent_volumes/binding.ts";
import { JOINED_BY } from "../../../resources/certificates/node_joining.ts";
import { CONFIG_MIRROR } from "../../../resources/core/pods/static_pods.ts";
import { isOwnLabel } from "../../../resources/core/nodes/own_labels.ts";
import { type Node, nodes } from "../../../resources/core/nodes/nodes.ts";
import { REMOTE_ADDRESS } from "../../../traffic/reach.ts";
import type { User } from "../../http/api_context.ts";
import { nodeOf } from "./node_identity.ts";
import { claimFault } from "./pod_range_claims.ts";

interface Written {
  /** Of the kind that is written. */
  plural: string;
  /** What the client sent. */
  draft: unknown;
  /** The existing object; absent: it is created. */
  current?: () => KubeObject;
}

/** What the decision reads. */
export interface RestrictionView {
  nodes(): readonly Node[];
  serviceRange: Ipv4Range;
}

export function restrictionViewOf(objects: Objects): RestrictionView {
  const { serviceRange } = objects;
  return { serviceRange, nodes: () => objects.list(nodes).map(({ object }) => object as Node) };
}

/**
 * Checks the body of what the agent of a node writes: only its own Node and lease, and of these no taints, no protected
 * labels, no addresses of others; of volumes only the end. Throws Forbidden. Other users are not restricted.
 * Source: https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#noderestriction
 */
export function refuseOthersObject(
  user: User,
  { plural, draft, current }: Written,
  view: RestrictionView,
): void {
  const node = nodeOf(user);
  if (node !== undefined && plural === "persistentvolumes") {
    return refuseOtherChange(node, draft, current?.());
  }
  if (node !== undefined && plural === "pods") return refuseOthersPod(node, draft);
  if (node === undefined || (plural !== "nodes" && plural !== "leases")) return;
  const { metadata, spec } = partsOf(draft);
  if (metadata["name"] !== node) {
    throw refused(plural, metadata["name"], node, `is not allowed to write another's`);
  }
  if (plural !== "nodes") return;
  const there = current?.();
  const before = partsOf(there ?? {});
  if (there) refuseOutdated(plural, metadata, there);
  if (there && !mayTaint(there as Node, listOr(spec["taints"]))) {
    throw refused(plural, node, node, "is not allowed to modify taints");
  }
  if (there && !isEqual(metadata["ownerReferences"], before.metadata["ownerReferences"])) {
    throw refused(plural, node, node, "is not allowed to modify ownerReferences");
  }
  refuseOthersRange(node, spec, view);
  refuseOthersLabels(node, metadata["labels"], there && (before.metadata["labels"] ?? {}));
  refuseServersAnnotation(node, metadata["annotations"], before.metadata["annotations"]);
}

/**
 * Until a node has said how it is, it registers itself, although the server has made it when its machine joined: it may add
 * taints. Others' it never takes away.
 */
function mayTaint({ spec: { taints = [] }, status }: Node, next: readonly unknown[]): boolean {
  if ((status.conditions ?? []).length > 0) return isEqual(next, taints);
  return taints.every((taint) => next.some((one) => isEqual(one, taint)));
}

function listOr(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** In the words of the plugin NodeRestriction. `previous`: absent when the node is created. */
function refuseOthersLabels(node: string, next: unknown, previous: unknown): void {
  const [after, before] = [objectOr(next), objectOr(previous)];
  const changed = Object.keys({ ...before, ...after })
    .filter((name) => !isOwnLabel(name) && after[name] !== before[name]).sort().join(", ");
  if (changed === "") return;
  const why = previous === undefined
    ? `node "${node}" is not allowed to set the following labels: ${changed}`
    : `is not allowed to modify labels: ${changed}`;
  throw new ApiError("Forbidden", `nodes "${node}" is forbidden: ${why}`, {
    kind: "nodes",
    name: node,
  });
}

/** What the server says of a node in its annotations. */
const SERVERS_ANNOTATIONS: readonly string[] = [JOINED_BY, REMOTE_ADDRESS];

function refuseServersAnnotation(node: string, next: unknown, previous: unknown): void {
  const [after, before] = [objectOr(next), objectOr(previous)];
  const changed = SERVERS_ANNOTATIONS.find((name) => after[name] !== before[name]);
  if (changed === undefined) return;
  throw refused("nodes", node, node, `is not allowed to modify the annotation "${changed}"`);
}

/** A node shows its static pods, and makes no others. The words are those of the plugin NodeRestriction. */
function refuseOthersPod(node: string, draft: unknown): void {
  const { metadata, spec } = partsOf(draft);
  const refuse = (why: string) =>
    new ApiError("Forbidden", `pods "${metadata["name"]}" is forbidden: ${why}`);
  if (typeof objectOr(metadata["annotations"])[CONFIG_MIRROR] !== "string") {
    throw refuse(
      `pod does not have "${CONFIG_MIRROR}" annotation, node "${node}" can only create mirror pods`,
    );
  }
  if (spec["nodeName"] !== node) {
    throw refuse(`node "${node}" can only create pods with spec.nodeName set to itself`);
  }
  const owners = Array.isArray(metadata["ownerReferences"]) ? metadata["ownerReferences"] : [];
  const [owner] = owners.map(objectOr);
  if (owners.length !== 1 || owner?.["kind"] !== "Node" || owner["name"] !== node) {
    throw refuse(`node "${node}" can only create pods with an owner reference set to itself`);
  }
  if (spec["serviceAccountName"]) {
    throw refuse(`node "${node}" can not create pods that reference a service account`);
  }
  const kind = /"(secret|configMap|persistentVolumeClaim)(?:Ref|KeyRef)?":/.exec(
    JSON.stringify(spec),
  )?.[1];
  if (kind !== undefined) {
    const kinds: Record<string, string> = { secret: "secrets", configMap: "configmaps" };
    throw refuse(
      `node "${node}" can not create pods that reference ${
        kinds[kind] ?? "persistentvolumeclaims"
      }`,
    );
  }
}

/** What the decision is about must be what is written. */
function refuseOutdated(
  plural: string,
  { resourceVersion }: Record<string, unknown>,
  { metadata }: KubeObject,
): void {
  if (resourceVersion === metadata.resourceVersion) return;
  throw new ApiError(
    "Conflict",
    `Operation cannot be fulfilled on ${plural} "${metadata.name}": the object has been modified; please apply your changes to the latest version and try again`,
  );
}

/** A node that has removed the folder of a volume only takes away the finalizer that held it. */
function refuseOtherChange(node: string, draft: unknown, current: KubeObject | undefined): void {
  const without = (value: unknown) => {
    const { metadata, ...rest } = objectOr(value);
    const { finalizers: _, managedFields: __, ...others } = objectOr(metadata);
    return { ...rest, metadata: others };
  };
  const { metadata } = partsOf(draft);
  if (current) refuseOutdated("persistentvolumes", metadata, current);
  const next = metadata["finalizers"] ?? [];
  const left = current?.metadata.finalizers?.filter((each) => each !== PROVISIONER_FINALIZER);
  if (isEqual(without(draft), without(current)) && isEqual(next, left ?? [])) return;
  const name = current?.metadata.name;
  throw refused("persistentvolumes", name, node, "is not allowed to change a volume");
}

/**
 * Refuses changes of labels that come with a status update: labels of pods (Services select by them), and labels by which
 * others decide what may run where. For `WriteOptions.refuse`; `undefined`: the user is not a node.
 */
export function refusalOfLabels(
  user: User,
  plural: string,
): ((next: KubeObject, previous: KubeObject | undefined) => void) | undefined {
  const node = nodeOf(user);
  if (node === undefined) return undefined;
  return ({ metadata }, previous) => {
    const labels = previous?.metadata.labels;
    if (plural === "nodes") {
      refuseOthersLabels(node, metadata.labels ?? {}, labels ?? {});
      refuseServersAnnotation(node, metadata.annotations, previous?.metadata.annotations);
    }
    if (plural !== "pods" || isEqual(metadata.labels ?? {}, labels ?? {})) return;
    throw refused(plural, metadata.name, node, "cannot update labels through pod status");
  };
}

/** Refuses address ranges of others: traffic for a range is sent to the node that has it. */
function refuseOthersRange(
  node: string,
  spec: Record<string, unknown>,
  { nodes, serviceRange }: RestrictionView,
): void {
  const claims = [spec["podCIDR"] ?? [], spec["podCIDRs"] ?? []].flat().map(String);
  if (claims.length === 0) return;
  const others = nodes().filter(({ metadata }) => metadata.name !== node);
  const taken = others.flatMap(({ spec: { podCIDR, podCIDRs = [] } }) =>
    [...podCIDRs, podCIDR ?? []].flat().flatMap((text) => parseIpv4Range(text) ?? [])
  );
  // A route more specific than the link's own would send traffic for the other nodes to this node.
  const hosts = others.flatMap(({ status }) =>
    (status.addresses ?? []).flatMap(({ address }) => parseIpv4Range(`${address}/32`) ?? [])
  );
  for (const claim of claims) {
    const fault = claimFault(claim, [...taken, serviceRange, ...hosts]);
    if (fault !== undefined) {
      throw refused(
        "nodes",
        node,
        node,
        `is not allowed to claim addresses for its pods: ${fault}`,
      );
    }
  }
}

function partsOf(value: unknown): Record<"metadata" | "spec", Record<string, unknown>> {
  const object = objectOr(value);
  return { metadata: objectOr(object["metadata"]), spec: objectOr(object["spec"]) };
}

function objectOr(value: unknown): Record<string, unknown> {
  return isJsonObject(value) ? value : {};
}

function refused(plural: string, name: unknown, node: string, what: string): ApiError {
  return new ApiError(
    "Forbidden",
    `${plural} "${name}" is forbidden: node "${node}" ${what}`,
    { kind: plural, ...(typeof name === "string" ? { name } : {}) },
  );
}
