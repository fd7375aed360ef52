import { LocalClient } from "../../../objects/local_client.ts";
import type { Objects } from "../../../objects/objects.ts";
import { certificateSigningRequests } from "../../../resources/certificates/certificate_signing_requests.ts";
import {
  type PersistentVolume,
  persistentVolumes,
} from "../../../resources/core/persistent_volumes/persistent_volumes.ts";
import { localPathNodeOf } from "../../../resources/storage/local_path.ts";
import { exactFieldOf, parseFieldSelector } from "../../../schema/field_selectors.ts";
import { SelectorError } from "../../../schema/selectors.ts";
import type { ResourceAttributes } from "../../http/request_info.ts";
import { nodeUser } from "./node_identity.ts";
import { isRelated, type RelatedKind } from "./node_relations.ts";

/** A decision of an authorizer. */
export interface NodeRight {
  readonly outcome: "allow" | "no opinion";
  readonly reason?: string;
}
const ALLOW: NodeRight = { outcome: "allow" };
const NO_OPINION: NodeRight = { outcome: "no opinion" };

/** What the decision reads. */
export interface RightsView {
  isRelated(
    node: string,
    object: { kind: RelatedKind; namespace?: string; name: string },
  ): boolean;
  /** The node on which the volume is a released folder that is to be removed. */
  nodeOfReleasedVolume(name: string): string | undefined;
  /** The user who has asked for a certificate. */
  requesterOf(request: string): string | undefined;
}

export function rightsViewOf(objects: Objects): RightsView {
  const view = new LocalClient(objects);
  return {
    isRelated: (node, object) => isRelated(node, object, view),
    nodeOfReleasedVolume: (name) => {
      const volume = view.get(persistentVolumes, { name });
      return volume && isReleased(volume) ? localPathNodeOf(volume) : undefined;
    },
    requesterOf: (name) => view.get(certificateSigningRequests, { name })?.spec.username,
  };
}

function isReleased({ spec, status: { phase } }: PersistentVolume): boolean {
  return spec.persistentVolumeReclaimPolicy === "Delete" &&
    (phase === "Released" || phase === "Failed");
}

const READS: readonly string[] = ["get", "list", "watch"];
/** What every node's proxy and DNS need of the whole cluster: no secrets are in them. */
const READABLE: readonly string[] = [
  "namespaces",
  "services",
  "endpointslices.discovery.k8s.io",
  "gatewayclasses.gateway.networking.k8s.io",
  "gateways.gateway.networking.k8s.io",
  "grpcroutes.gateway.networking.k8s.io",
  "httproutes.gateway.networking.k8s.io",
  "referencegrants.gateway.networking.k8s.io",
  "ingresses.networking.k8s.io",
  "ingressclasses.networking.k8s.io",
  "runtimeclasses.node.k8s.io",
];
const LEASE_NAMESPACE = "kube-node-lease";
const LEASE_VERBS = ["get", "create", "update", "patch", "delete"];

/** A question of a node's agent. */
interface Asked extends ResourceAttributes {
  /** The one object that is asked for, also by a selector of its name. */
  only: string | undefined;
}

type Rule = (node: string, asked: Asked, view: RightsView) => NodeRight;

/**
 * The rules by kind, or by kind and subresource. Whatever is not here a node may not do.
 * Source: https://kubernetes.io/docs/reference/access-authn-authz/node/, and its words: `node_authorizer.go`. Narrower:
 * of Nodes and of pods a node changes and ends its own only, whatever admission says then.
 */
const RULES: Readonly<Record<string, Rule>> = {
  "configmaps": readRelated("configmaps"),
  "secrets": readRelated("secrets"),
  "persistentvolumeclaims": getRelated("persistentvolumeclaims"),
  "persistentvolumes": volumeRight,
  "pods": podRight,
  "pods/status": (node, asked, view) =>
    isStatusWrite(asked) ? related(node, "pods", asked, view) : NO_OPINION,
  "serviceaccounts": readAccount,
  "serviceaccounts/token": createToken,
  "nodes": nodeRight,
  "nodes/status": (node, asked) => allowIf(isStatusWrite(asked) && asked.name === node),
  "nodes/follow": (node, asked) => allowIf(asked.verb === "get" && asked.name === node),
  "nodes/tunnel": (node, { verb, name }) =>
    allowIf((verb === "create" || verb === "get") && name === node),
  "leases.coordination.k8s.io": leaseRight,
  "certificatesigningrequests.certificates.k8s.io": certificateRight,
  "events": eventRight,
  "events.events.k8s.io": eventRight,
};

/**
 * What the agent of a node may do. Pure. The name of an object that is created is in the body: see `node_restriction.ts`.
 * A refusal has Kubernetes' reason.
 */
export function nodesRight(
  node: string,
  attributes: ResourceAttributes,
  view: RightsView,
): NodeRight {
  const { verb, group, resource, subresource, name } = attributes;
  const kind = group === "" ? resource : `${resource}.${group}`;
  if (subresource === undefined && READS.includes(verb) && READABLE.includes(kind)) return ALLOW;
  const key = subresource === undefined ? kind : `${kind}/${subresource}`;
  const rule = Object.hasOwn(RULES, key) ? RULES[key] : undefined;
  const only = name ?? onlyValueOf(attributes.fieldSelector, "metadata.name");
  return rule?.(node, { ...attributes, only }, view) ?? NO_OPINION;
}

function allowIf(holds: boolean, reason?: string): NodeRight {
  return holds ? ALLOW : refusal(reason);
}

function refusal(reason?: string): NodeRight {
  return reason === undefined ? NO_OPINION : { ...NO_OPINION, reason };
}

function related(
  node: string,
  kind: RelatedKind,
  { namespace, only: name }: Asked,
  view: RightsView,
): NodeRight {
  if (name === undefined) return refusal("No Object name found");
  const object = { kind, name, ...(namespace !== undefined && { namespace }) };
  return allowIf(
    view.isRelated(node, object),
    `no relationship found between node '${node}' and this object`,
  );
}

/** Lists and watches of single objects, too: the kubelet watches each Secret that it needs. */
function readRelated(kind: RelatedKind): Rule {
  return (node, asked, view) => {
    if (!READS.includes(asked.verb)) return refusal("can only read resources of this type");
    if (asked.namespace === undefined) {
      return refusal("can only read namespaced object of this type");
    }
    return related(node, kind, asked, view);
  };
}

function getRelated(kind: RelatedKind): Rule {
  return (node, asked, view) =>
    asked.verb === "get"
      ? related(node, kind, asked, view)
      : refusal("can only get individual resources of this type");
}

/** Of its released folders a node takes the volumes away; the body of an update is checked, too. */
function volumeRight(node: string, asked: Asked, view: RightsView): NodeRight {
  const { verb, name } = asked;
  const isEnd = (verb === "update" || verb === "delete") && name !== undefined &&
    view.nodeOfReleasedVolume(name) === node;
  return isEnd ? ALLOW : getRelated("persistentvolumes")(node, asked, view);
}

function podRight(node: string, asked: Asked, view: RightsView): NodeRight {
  const { verb, name, fieldSelector } = asked;
  if (verb === "create") return ALLOW; // of static pods: `node_restriction.ts` sees which
  if (verb === "delete" && name !== undefined) return related(node, "pods", asked, view);
  if (!READS.includes(verb)) return NO_OPINION;
  if (verb !== "get" && onlyValueOf(fieldSelector, "spec.nodeName") === node) return ALLOW;
  if (verb === "get" || asked.only !== undefined) return related(node, "pods", asked, view);
  return refusal("can only list/watch pods with spec.nodeName field selector");
}

function readAccount(node: string, asked: Asked, view: RightsView): NodeRight {
  return asked.verb === "get"
    ? related(node, "serviceaccounts", asked, view)
    : refusal("can only create tokens for individual service accounts");
}

function createToken(node: string, asked: Asked, view: RightsView): NodeRight {
  return asked.verb === "create" && asked.name !== undefined
    ? related(node, "serviceaccounts", asked, view)
    : refusal("can only create tokens for individual service accounts");
}

function nodeRight(node: string, { verb, name, only }: Asked): NodeRight {
  if (verb === "create") return ALLOW; // of itself: `node_restriction.ts` sees whom
  if (verb === "update") return allowIf(name === node);
  if (!READS.includes(verb)) return NO_OPINION;
  if (only === undefined) {
    return refusal(`node '${node}' cannot read all nodes, only its own Node object`);
  }
  return allowIf(only === node, `node '${node}' cannot read '${only}', only its own Node object`);
}

function leaseRight(node: string, { verb, namespace, name }: Asked): NodeRight {
  if (!LEASE_VERBS.includes(verb)) {
    return refusal("can only get, create, update, patch, or delete a node lease");
  }
  if (namespace !== LEASE_NAMESPACE) {
    return refusal(`can only access leases in the "${LEASE_NAMESPACE}" system namespace`);
  }
  return allowIf(
    verb === "create" || name === node,
    "can only access node lease with the same name as the requesting node",
  );
}

/** A node renews its certificate by requests of its own; what may be in them the signer sees. */
function certificateRight(node: string, { verb, only }: Asked, view: RightsView): NodeRight {
  if (verb === "create") return ALLOW;
  const isOwn = only !== undefined && view.requesterOf(only) === nodeUser(node).name;
  return allowIf(READS.includes(verb) && isOwn);
}

/** Of its own: `node_restriction.ts` sees which. */
function eventRight(_node: string, { verb }: Asked): NodeRight {
  return allowIf(verb === "create" || verb === "update" || verb === "patch");
}

function isStatusWrite({ verb }: Asked): boolean {
  return verb === "update" || verb === "patch";
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
