import type { Objects } from "../../../objects/objects.ts";
import { type Pod, pods } from "../../../resources/core/pods/pods.ts";
import {
  type PersistentVolume,
  persistentVolumes,
} from "../../../resources/core/persistent_volumes/persistent_volumes.ts";
import { ownField } from "../../../lib/own_field.ts";
import { isLocalPathVolume, LOCAL_PATH_NODE } from "../../../resources/storage/local_path.ts";
import { exactFieldOf, parseFieldSelector } from "../../../schema/field_selectors.ts";
import { SelectorError } from "../../../schema/selectors.ts";
import type { ResourceAttributes } from "../../http/request_info.ts";

/** What the decision reads. */
export interface RightsView {
  /** The node that a pod is bound to. */
  nodeOfPod(namespace: string, name: string): string | undefined;
  /** Whether a pod of the node runs as this service account. */
  usesAccount(node: string, namespace: string, account: string): boolean;
  /** The node on which the volume is a released folder that is to be removed. */
  nodeOfReleasedVolume(name: string): string | undefined;
}

export function rightsViewOf({ store }: Objects): RightsView {
  return {
    nodeOfPod: (namespace, name) => {
      const pod = store.get([pods.plural, namespace, name])?.object as Pod | undefined;
      return pod?.spec.nodeName;
    },
    usesAccount: (node, namespace, account) =>
      store.by(pods.plural, "node", node).some(({ object }) => {
        const { metadata, spec } = object as Pod;
        return metadata.namespace === namespace && spec.serviceAccountName === account;
      }),
    nodeOfReleasedVolume: (name) => {
      const volume = store.get([persistentVolumes.plural, "", name])?.object as
        | PersistentVolume
        | undefined;
      return volume && isReleased(volume)
        ? ownField(volume.metadata.annotations, LOCAL_PATH_NODE)
        : undefined;
    },
  };
}

function isReleased(volume: PersistentVolume): boolean {
  const { spec, status: { phase } } = volume;
  return isLocalPathVolume(volume) && spec.persistentVolumeReclaimPolicy === "Delete" &&
    (phase === "Released" || phase === "Failed");
}

const READS: readonly string[] = ["get", "list", "watch"];
/** Kinds that every agent and its proxy may read completely: they need all Services and routes. */
const READABLE: readonly string[] = [
  "nodes",
  "namespaces",
  "services",
  "configmaps",
  "secrets",
  "persistentvolumes",
  "persistentvolumeclaims",
  "endpointslices.discovery.k8s.io",
  "gatewayclasses.gateway.networking.k8s.io",
  "gateways.gateway.networking.k8s.io",
  "httproutes.gateway.networking.k8s.io",
  "ingresses.networking.k8s.io",
  "ingressclasses.networking.k8s.io",
];
const LEASE_NAMESPACE = "kube-node-lease";

/**
 * What the agent of a node may do: read what it needs, and write its own Node, its lease, the status of its pods, and
 * events; and remove its released volumes. Pure. The name of an object that is created is in the body: see `node_restriction.ts`.
 * Source: https://kubernetes.io/docs/reference/access-authn-authz/node/; narrower, except for Secrets and ConfigMaps:
 * Kubernetes lets a node read only those that its pods use.
 */
export function isNodesRight(
  node: string,
  attributes: ResourceAttributes,
  view: RightsView,
): boolean {
  const { verb, group, resource, subresource } = attributes;
  const kind = group === "" ? resource : `${resource}.${group}`;
  if (subresource === undefined && READS.includes(verb) && READABLE.includes(kind)) return true;
  switch (subresource === undefined ? kind : `${kind}/${subresource}`) {
    case "nodes":
      return verb === "create" || (verb === "update" && attributes.name === node);
    case "nodes/status":
      return isStatusWrite(verb) && attributes.name === node;
    case "leases.coordination.k8s.io":
      return isLeaseRight(node, attributes);
    case "pods":
      return isPodRight(node, attributes, view);
    case "pods/status":
      return isStatusWrite(verb) && isOwnPod(node, attributes, view);
    case "persistentvolumes": // the body of an update is checked, too
      return (verb === "update" || verb === "delete") && attributes.name !== undefined &&
        view.nodeOfReleasedVolume(attributes.name) === node;
    case "serviceaccounts/token":
      return verb === "create" && isAccountOfOwnPod(node, attributes, view);
    case "events":
    case "events.events.k8s.io":
      return verb === "create" || verb === "update" || verb === "patch";
    default:
      return false;
  }
}

function isStatusWrite(verb: string): boolean {
  return verb === "update" || verb === "patch";
}

function isLeaseRight(
  node: string,
  { verb, namespace, name, fieldSelector }: ResourceAttributes,
): boolean {
  if (namespace !== LEASE_NAMESPACE) return false;
  if (verb === "create") return true;
  if (verb === "get" || verb === "update") return name === node;
  return READS.includes(verb) && onlyValueOf(fieldSelector, "metadata.name") === node;
}

function isPodRight(node: string, attributes: ResourceAttributes, view: RightsView): boolean {
  const { verb, name, fieldSelector } = attributes;
  if (verb === "create") return true; // of static pods: `node_restriction.ts` sees which
  if (name !== undefined && (verb === "get" || verb === "delete")) {
    return isOwnPod(node, attributes, view);
  }
  return READS.includes(verb) && onlyValueOf(fieldSelector, "spec.nodeName") === node;
}

function isOwnPod(
  node: string,
  { namespace, name }: ResourceAttributes,
  view: RightsView,
): boolean {
  return namespace !== undefined && name !== undefined && view.nodeOfPod(namespace, name) === node;
}

function isAccountOfOwnPod(
  node: string,
  { namespace, name }: ResourceAttributes,
  view: RightsView,
): boolean {
  return namespace !== undefined && name !== undefined && view.usesAccount(node, namespace, name);
}

/** `undefined` for an invalid selector, too: whoever evaluates it later refuses it. */
function onlyValueOf(fieldSelector: string, field: string): string | undefined {
  try {
    return exactFieldOf(parseFieldSelector(fieldSelector), field);
  } catch (error) {
    if (error instanceof SelectorError) return undefined;
    throw error;
  }
}
