import { configMaps } from "../../../resources/core/config_maps.ts";
import { namespaces } from "../../../resources/core/namespaces.ts";
import { type Node, nodes } from "../../../resources/core/nodes/nodes.ts";
import {
  persistentVolumeClaims,
} from "../../../resources/core/persistent_volumes/persistent_volume_claims.ts";
import {
  persistentVolumes,
} from "../../../resources/core/persistent_volumes/persistent_volumes.ts";
import { type Pod, pods } from "../../../resources/core/pods/pods.ts";
import { secrets } from "../../../resources/core/secrets.ts";
import { services } from "../../../resources/core/services/services.ts";
import { type Lease, leases } from "../../../resources/coordination/leases.ts";
import { endpointSlices } from "../../../resources/discovery/endpoint_slices.ts";
import { gatewayClasses } from "../../../resources/gateway/gateway_classes.ts";
import { gateways } from "../../../resources/gateway/gateways.ts";
import { grpcRoutes } from "../../../resources/gateway/grpc_routes.ts";
import { httpRoutes } from "../../../resources/gateway/http_routes.ts";
import { referenceGrants } from "../../../resources/gateway/reference_grants.ts";
import { ingressClasses } from "../../../resources/networking/ingress_classes.ts";
import { ingresses } from "../../../resources/networking/ingresses.ts";
import { runtimeClasses } from "../../../resources/node/runtime_classes.ts";
import type { AnyResource, KubeObject } from "../../../resources/resource.ts";
import type { Related } from "../../access/nodes/node_relations.ts";
import { trimmedNode } from "./trimmed_node.ts";

/** A kind that nodes follow, and which of its objects. */
export interface FollowedKind {
  readonly resource: AnyResource;
  readonly follows:
    /** Every node all of them. */
    | { all: true }
    /** Each node those that are the node's. `isTold`: whether a change is news for the node. */
    | {
      nodeOf(object: KubeObject): string | undefined;
      /** The index of the kind by which they are found, or else their only key. */
      of: { index: string } | { keyOf(node: string): string };
      isTold?(next: KubeObject, previous: KubeObject): boolean;
    }
    /** Each node those that its pods are made of, and certificates that its listeners show. */
    | { related: keyof Related }
    /** Each node its own whole, and of all others what others may know. */
    | { trimmed(object: KubeObject): KubeObject; nodeOf(object: KubeObject): string };
}

const LEASE_NAMESPACE = "kube-node-lease";

/**
 * Every kind that a node can follow, in the order in which a whole state is told: what pods are made of comes before them. A
 * new one is one entry here, and one in `node_rights.ts` when all of it is to be read.
 */
export const FOLLOWED_KINDS: readonly FollowedKind[] = [
  { resource: namespaces, follows: { all: true } },
  {
    resource: nodes,
    follows: {
      trimmed: (object) => trimmedNode(object as Node),
      nodeOf: ({ metadata }) => metadata.name,
    },
  },
  { resource: runtimeClasses, follows: { all: true } },
  { resource: configMaps, follows: { related: "configmaps" } },
  { resource: secrets, follows: { related: "secrets" } },
  { resource: persistentVolumes, follows: { related: "persistentvolumes" } },
  { resource: persistentVolumeClaims, follows: { related: "persistentvolumeclaims" } },
  { resource: services, follows: { all: true } },
  { resource: endpointSlices, follows: { all: true } },
  { resource: gatewayClasses, follows: { all: true } },
  { resource: gateways, follows: { all: true } },
  { resource: httpRoutes, follows: { all: true } },
  { resource: referenceGrants, follows: { all: true } },
  { resource: grpcRoutes, follows: { all: true } },
  { resource: ingressClasses, follows: { all: true } },
  { resource: ingresses, follows: { all: true } },
  {
    resource: leases,
    follows: {
      nodeOf: ({ metadata }) => metadata.namespace === LEASE_NAMESPACE ? metadata.name : undefined,
      of: { keyOf: (node) => `${LEASE_NAMESPACE}/${node}` },
      isTold: (next, previous) => !isMereRenewal(next as Lease, previous as Lease),
    },
  },
  {
    resource: pods,
    follows: {
      nodeOf: (object) => (object as Pod).spec.nodeName || undefined,
      of: { index: "node" },
    },
  },
];

/** Whoever renews a lease knows it from the answer: to be told again and again would cost more than all else. */
function isMereRenewal(next: Lease, previous: Lease): boolean {
  return next.metadata.uid === previous.metadata.uid &&
    next.metadata.deletionTimestamp === previous.metadata.deletionTimestamp &&
    next.spec.holderIdentity === previous.spec.holderIdentity;
}
