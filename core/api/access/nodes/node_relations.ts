import type { View } from "../../../client/client.ts";
import {
  type PersistentVolume,
  persistentVolumes,
} from "../../../resources/core/persistent_volumes/persistent_volumes.ts";
import { type Pod, pods } from "../../../resources/core/pods/pods.ts";
import { localPathNodeOf } from "../../../resources/storage/local_path.ts";
import { certificateSecretsOn } from "./certificate_secrets.ts";
import { referencesOf, secretsOfPersistentVolume } from "./pod_references.ts";

/** The kinds of which a node may read what its pods are made of, and nothing else. */
export type RelatedKind =
  | "configmaps"
  | "persistentvolumeclaims"
  | "persistentvolumes"
  | "pods"
  | "secrets"
  | "serviceaccounts";

/** The ConfigMap with which people change the cluster's DNS, which every node serves. */
export const DNS_CONFIG = { namespace: "kube-system", name: "kube-dns" } as const;

type ReadView = Pick<View, "get" | "by" | "list">;

/**
 * Whether a node has to do with an object: the pods that are bound to it, what they refer to, the volumes that their claims
 * are bound to, what these refer to, and the certificates that its Gateways and Ingresses show. Of pods it looks at those of
 * the node only. Pure.
 * Source: https://kubernetes.io/docs/reference/access-authn-authz/node/
 */
export function isRelated(
  node: string,
  { kind, namespace = "", name }: { kind: RelatedKind; namespace?: string; name: string },
  view: ReadView,
): boolean {
  return RELATIONS[kind](node, { namespace, name }, view);
}

type Relation = (
  node: string,
  object: { namespace: string; name: string },
  view: ReadView,
) => boolean;

const RELATIONS: Readonly<Record<RelatedKind, Relation>> = {
  pods: (node, name, view) => view.get(pods, name)?.spec.nodeName === node,
  configmaps: (node, { namespace, name }, view) =>
    (namespace === DNS_CONFIG.namespace && name === DNS_CONFIG.name) ||
    podsIn(namespace, node, view).some((pod) => referencesOf(pod).configMaps.has(name)),
  serviceaccounts: (node, { namespace, name }, view) =>
    podsIn(namespace, node, view).some((pod) => referencesOf(pod).account === name),
  persistentvolumeclaims: isRelatedClaim,
  persistentvolumes: (node, { name }, view) => {
    const volume = view.get(persistentVolumes, { name });
    return volume !== undefined && isRelatedVolume(node, volume, view);
  },
  secrets: (node, { namespace, name }, view) =>
    podsIn(namespace, node, view).some((pod) => referencesOf(pod).secrets.has(name)) ||
    relatedVolumes(node, view).some((volume) =>
      secretsOfPersistentVolume(volume).includes(`${namespace}/${name}`)
    ) || certificateSecretsOn(node, view).has(`${namespace}/${name}`),
};

/** Of each kind the related objects, as `namespace/name` (`/name` for kinds without namespaces). May name what there is not. */
export type Related = Readonly<
  Record<"configmaps" | "secrets" | "persistentvolumeclaims" | "persistentvolumes", Set<string>>
>;

/** What the pods and listeners of a node are made of: all that {@linkcode isRelated} says, but the accounts. Pure. */
export function relatedTo(node: string, view: ReadView): Related {
  const related = {
    configmaps: new Set([`${DNS_CONFIG.namespace}/${DNS_CONFIG.name}`]),
    secrets: new Set<string>(),
    persistentvolumeclaims: new Set<string>(),
    persistentvolumes: new Set<string>(),
  };
  for (const pod of view.by(pods, "node", node)) {
    const { namespace } = pod.metadata;
    const references = referencesOf(pod);
    for (const name of references.configMaps) related.configmaps.add(`${namespace}/${name}`);
    for (const name of references.secrets) related.secrets.add(`${namespace}/${name}`);
    for (const name of references.claims) {
      related.persistentvolumeclaims.add(`${namespace}/${name}`);
    }
  }
  for (const volume of relatedVolumes(node, view)) {
    related.persistentvolumes.add(`/${volume.metadata.name}`);
    for (const key of secretsOfPersistentVolume(volume)) related.secrets.add(key);
  }
  for (const key of certificateSecretsOn(node, view)) related.secrets.add(key);
  for (const volume of view.by(persistentVolumes, "localPathNode", node)) {
    if (localPathNodeOf(volume) === node) related.persistentvolumes.add(`/${volume.metadata.name}`);
  }
  return related;
}

function podsIn(namespace: string, node: string, view: ReadView): readonly Pod[] {
  return view.by(pods, "node", node).filter(({ metadata }) => metadata.namespace === namespace);
}

/** The volumes that are for claims of the node's pods. */
function relatedVolumes(node: string, view: ReadView): PersistentVolume[] {
  return view.by(pods, "node", node).flatMap((pod) =>
    [...referencesOf(pod).claims].flatMap((claim) =>
      view.by(persistentVolumes, "claim", `${pod.metadata.namespace}/${claim}`)
    )
  );
}

/** A volume that is a folder of the node is the node's whoever uses it: its agent removes it when it is released. */
function isRelatedVolume(node: string, volume: PersistentVolume, view: ReadView): boolean {
  const { namespace, name } = volume.spec.claimRef ?? {};
  return localPathNodeOf(volume) === node ||
    (namespace !== undefined && name !== undefined &&
      isRelatedClaim(node, { namespace, name }, view));
}

function isRelatedClaim(
  node: string,
  { namespace, name }: { namespace: string; name: string },
  view: ReadView,
): boolean {
  return podsIn(namespace, node, view).some((pod) => referencesOf(pod).claims.has(name));
}
