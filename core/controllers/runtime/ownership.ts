import type { View } from "../../client/client.ts";
import type { LabelSelector } from "../../schema/label_selector.ts";
import type { OwnerReference } from "../../schema/metadata.ts";
import {
  type AnyResource,
  apiVersionOf,
  type KubeObject,
  type Resource,
} from "../../resources/resource.ts";
import { exactLabelOf, matches, selectorOf } from "../../schema/selectors.ts";
import { update, type Watch, type Write } from "./controller.ts";

/** The owner that controls an object; every object has at most one. */
export function controllerOf({ metadata }: KubeObject): OwnerReference | undefined {
  return metadata.ownerReferences?.find((reference) => reference.controller);
}

export function isControlledBy(object: KubeObject, owner: KubeObject): boolean {
  return controllerOf(object)?.uid === owner.metadata.uid;
}

/** The reference that makes `owner` control what carries it. */
export function controllerReference(
  resource: AnyResource,
  { metadata }: KubeObject,
): OwnerReference {
  return {
    apiVersion: apiVersionOf(resource),
    kind: resource.kind,
    name: metadata.name,
    uid: metadata.uid,
    controller: true,
    blockOwnerDeletion: true,
  };
}

/** The objects of a kind that `owner` controls. */
export function controlled<T extends KubeObject>(
  view: View,
  resource: Resource<T>,
  owner: KubeObject,
): T[] {
  return view.by(resource, "owner", owner.metadata.uid).filter((child) =>
    isControlledBy(child, owner)
  );
}

/** The objects of a kind and namespace that a selector selects; through the index of labels where it can. */
export function selected<T extends KubeObject>(
  view: View,
  resource: Resource<T>,
  namespace: string,
  selector: LabelSelector,
): T[] {
  const rules = selectorOf(selector);
  const label = exactLabelOf(rules);
  const candidates = label === undefined
    ? view.list(resource, namespace)
    : view.by(resource, "label", `${label.key}=${label.value}`);
  return candidates.filter(({ metadata }) =>
    metadata.namespace === namespace && matches(rules, metadata.labels)
  );
}

interface Claim<T extends KubeObject> {
  children: AnyResource & Resource<T>;
  owner: KubeObject & { metadata: { namespace: string } };
  ownerResource: AnyResource;
  selector: LabelSelector;
  /** What a child must be besides; anything the selector selects when absent. */
  isMember?: (child: T) => boolean;
}

/**
 * The writes by which an owner adopts what its selector selects and nobody controls, and releases what it controls and
 * no longer selects. An owner that is being deleted adopts nothing.
 *
 * Kubernetes: `pkg/controller/controller_ref_manager.go`.
 */
export function claimWrites<T extends KubeObject>(
  view: View,
  { children, owner, ownerResource, selector, isMember = () => true }: Claim<T>,
): Write[] {
  const rules = selectorOf(selector);
  const released = controlled(view, children, owner)
    .filter(({ metadata }) => !metadata.deletionTimestamp)
    .filter((child) => !matches(rules, child.metadata.labels) || !isMember(child))
    .map((child) => update(children, withOwners(child, othersThan(child, owner))));
  if (owner.metadata.deletionTimestamp) return released;
  const reference = controllerReference(ownerResource, owner);
  const adopted = selected(view, children, owner.metadata.namespace, selector)
    .filter((child) => !child.metadata.deletionTimestamp && controllerOf(child) === undefined)
    .filter(isMember)
    .map((child) => update(children, withOwners(child, [...othersThan(child, owner), reference])));
  return [...released, ...adopted];
}

function othersThan({ metadata }: KubeObject, owner: KubeObject): OwnerReference[] {
  return metadata.ownerReferences?.filter(({ uid }) => uid !== owner.metadata.uid) ?? [];
}

/** The object with other owners. */
export function withOwners<T extends KubeObject>(child: T, owners: readonly OwnerReference[]): T {
  const { ownerReferences: _, ...metadata } = child.metadata;
  return {
    ...child,
    metadata: owners.length === 0 ? metadata : { ...metadata, ownerReferences: [...owners] },
  };
}

/**
 * The watch of an owner's children: those that it controls, those without owner that it could adopt, and those that it
 * has just released, which it may have to replace.
 */
export function childrenOf<T extends KubeObject>(
  children: AnyResource,
  ownerResource: Resource<T>,
  selectorOfOwner: (owner: T) => LabelSelector,
): Watch {
  return {
    resource: children,
    includesFormer: true,
    concerns(child, view) {
      const { namespace, labels } = child.metadata;
      if (namespace === undefined) return [];
      const owner = controllerOf(child);
      if (owner !== undefined) {
        return owner.kind === ownerResource.kind ? [{ namespace, name: owner.name }] : [];
      }
      return view.list(ownerResource, namespace)
        .filter((owner) => matches(selectorOf(selectorOfOwner(owner)), labels))
        .map(({ metadata }) => ({ namespace, name: metadata.name }));
    },
  };
}
