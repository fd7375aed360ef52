import { FOREGROUND_FINALIZER, ORPHAN_FINALIZER } from "../../schema/finalizers.ts";
import type { DeleteOptions, View } from "../../client/client.ts";
import type { OwnerReference } from "../../schema/metadata.ts";
import { builtFrom, type Catalog, forEachKind } from "../../resources/catalog.ts";
import { type AnyResource, groupResourceOf, type KubeObject } from "../../resources/resource.ts";
import {
  keyOf,
  type Loop,
  type LoopRun,
  nameOf,
  NOTHING,
  type Plan,
  plan,
  remove,
  update,
  type Write,
} from "../runtime/controller.ts";
import { withOwners } from "../runtime/ownership.ts";

/** Dependents that one plan changes at most; the rest follows with the next looks. */
const WRITES_MAX = 500;
/** A dependent that loses its owner reference does not wake the owner: it looks again after this long. */
const BLOCKED_RECHECK_MS = 30_000;

/**
 * Deletes objects whose owners are gone, and finishes deletions that were asked for in the foreground or with
 * orphaning. An owner counts as gone when no object of its name has its uid; one of a kind that is
 * not served might still be there, and so might one in a namespace, of an object that is in none.
 *
 * Keys are `kind/namespace/name` with the kind as in {@linkcode groupResourceOf}.
 * https://kubernetes.io/docs/concepts/architecture/garbage-collection/
 */
export function garbageCollector(catalog: Catalog): Loop {
  return {
    name: "garbage-collector",
    workers: 4,
    start: (view, add) => new GarbageCollection(catalog, view, add),
  };
}

class GarbageCollection implements LoopRun {
  readonly #catalog: Catalog;
  readonly #view: View;
  readonly #add: (key: string) => void;
  readonly #ownerKinds: () => ReadonlyMap<string, AnyResource>;
  /** Keys of what has an owner of a kind that is not served, by that kind: they are looked at when it comes. */
  readonly #waiting = new Map<string, Set<string>>();
  readonly #unsubscribe: () => void;

  constructor(catalog: Catalog, view: View, add: (key: string) => void) {
    this.#catalog = catalog;
    this.#view = view;
    this.#add = add;
    this.#ownerKinds = builtFrom(
      catalog,
      (kinds) => new Map(kinds.map((resource) => [groupKindOf(resource), resource])),
    );
    this.#unsubscribe = forEachKind(catalog, (resource) => this.#follow(resource));
  }

  reconcile(key: string): Plan {
    const resource = this.#catalog.find(key.slice(0, key.indexOf("/")));
    if (!resource) return NOTHING;
    const object = this.#view.get<KubeObject>(resource, nameOf(key.slice(key.indexOf("/") + 1)));
    if (object === undefined) return NOTHING;
    const { deletionTimestamp, finalizers = [] } = object.metadata;
    if (deletionTimestamp === undefined) {
      this.#waitForOwnerKinds(key, object);
      return afterOwners(resource, object, this.#view, this.#ownerKinds());
    }
    if (finalizers.includes(ORPHAN_FINALIZER)) {
      return orphanDependents(resource, object, this.#view, this.#catalog.all);
    }
    if (finalizers.includes(FOREGROUND_FINALIZER)) {
      return deleteDependents(resource, object, this.#view, this.#catalog.all);
    }
    return NOTHING;
  }

  stop(): void {
    this.#unsubscribe();
  }

  #follow(resource: AnyResource): () => void {
    const stop = this.#view.subscribe<KubeObject>(resource, ({ type, object }) => {
      if (type === "DELETED") this.#leave(resource, object);
      else this.#take(resource, object);
    });
    for (const lifecycle of ["owned", "terminating"]) {
      for (const object of this.#view.by<KubeObject>(resource, "lifecycle", lifecycle)) {
        this.#take(resource, object);
      }
    }
    const waiting = this.#waiting.get(groupKindOf(resource)) ?? [];
    this.#waiting.delete(groupKindOf(resource));
    for (const key of waiting) this.#add(key);
    return stop;
  }

  #take(resource: AnyResource, object: KubeObject): void {
    const { ownerReferences = [], deletionTimestamp, finalizers = [] } = object.metadata;
    if (deletionTimestamp === undefined ? ownerReferences.length > 0 : finalizers.length > 0) {
      this.#add(keyIn(resource, object));
    }
    if (isWaiting(object)) this.#addDependents(object);
  }

  #leave(resource: AnyResource, object: KubeObject): void {
    this.#addDependents(object);
    for (const owner of blockedBy(object, this.#view, this.#ownerKinds())) this.#add(owner);
    for (const keys of this.#waiting.values()) keys.delete(keyIn(resource, object));
  }

  #addDependents(owner: KubeObject): void {
    for (const { resource, object } of dependentsOf(owner, this.#view, this.#catalog.all)) {
      this.#add(keyIn(resource, object));
    }
  }

  #waitForOwnerKinds(key: string, { metadata: { ownerReferences = [] } }: KubeObject): void {
    for (const reference of ownerReferences) {
      const kind = groupKindIn(reference);
      if (this.#ownerKinds().has(kind)) continue;
      let keys = this.#waiting.get(kind);
      if (!keys) this.#waiting.set(kind, keys = new Set());
      keys.add(key);
    }
  }
}

/** The owners that may have waited for a dependent to go. */
function blockedBy(
  { metadata: { namespace, ownerReferences = [] } }: KubeObject,
  view: View,
  ownerKinds: ReadonlyMap<string, AnyResource>,
): string[] {
  return ownerReferences.flatMap((reference) => {
    const resource = ownerKinds.get(groupKindIn(reference));
    const owner = resource && ownerIn(resource, reference, namespace, view);
    return owner?.metadata.deletionTimestamp === undefined ? [] : [keyIn(resource!, owner)];
  });
}

/**
 * Deletes the object when no owner is left; otherwise drops the references to those that are gone, and to those that
 * wait for their dependents: as it stays, they would wait for ever.
 */
function afterOwners(
  resource: AnyResource,
  object: KubeObject,
  view: View,
  ownerKinds: ReadonlyMap<string, AnyResource>,
): Plan {
  const { namespace, ownerReferences = [] } = object.metadata;
  if (ownerReferences.length === 0) return NOTHING;
  const owners = ownerReferences.map((reference) => {
    const kind = ownerKinds.get(groupKindIn(reference));
    return { reference, state: kind ? stateOf(kind, reference, namespace, view) : "unknown" };
  });
  const left = owners.filter(({ state }) => state === "there" || state === "unknown");
  if (left.length > 0) {
    if (left.length === owners.length) return NOTHING;
    return plan([update(resource, withOwners(object, left.map(({ reference }) => reference)))]);
  }
  const isAwaited = owners.some(({ state }) => state === "deleting its dependents");
  const dependents = isAwaited ? dependentsOf(object, view, [...ownerKinds.values()]) : [];
  if (blocks(object) && dependents.some((dependent) => isWaiting(dependent.object))) {
    return plan([update(resource, withOwners(object, ownerReferences.map(unblocking)))]);
  }
  const propagationPolicy = dependents.length > 0 ? "Foreground" : policyOf(object);
  const { resourceVersion } = object.metadata; // with other owners it might stay
  return plan([
    remove(resource, object, { propagationPolicy, preconditions: { resourceVersion } }),
  ]);
}

/** Owners that wait for each other in a circle would do so for ever: this one lets them go. */
function blocks({ metadata: { ownerReferences = [] } }: KubeObject): boolean {
  return ownerReferences.some(({ blockOwnerDeletion }) => blockOwnerDeletion);
}

function unblocking(reference: OwnerReference): OwnerReference {
  return { ...reference, blockOwnerDeletion: false };
}

/** What the object's own finalizers say is to become of its dependents. */
function policyOf(
  { metadata: { finalizers = [] } }: KubeObject,
): NonNullable<DeleteOptions["propagationPolicy"]> {
  if (finalizers.includes(ORPHAN_FINALIZER)) return "Orphan";
  return finalizers.includes(FOREGROUND_FINALIZER) ? "Foreground" : "Background";
}

type OwnerState = "there" | "deleting its dependents" | "gone" | "unknown";

function stateOf(
  resource: AnyResource,
  reference: OwnerReference,
  namespace: string | undefined,
  view: View,
): OwnerState {
  if (resource.namespaced && namespace === undefined) return "unknown";
  const owner = ownerIn(resource, reference, namespace, view);
  if (owner === undefined) return "gone";
  return isWaiting(owner) ? "deleting its dependents" : "there";
}

function isWaiting({ metadata: { deletionTimestamp, finalizers = [] } }: KubeObject): boolean {
  return deletionTimestamp !== undefined && finalizers.includes(FOREGROUND_FINALIZER);
}

function ownerIn(
  resource: AnyResource,
  { name, uid }: OwnerReference,
  namespace: string | undefined,
  view: View,
): KubeObject | undefined {
  const inNamespace = resource.namespaced && namespace !== undefined;
  const owner = view.get<KubeObject>(resource, inNamespace ? { namespace, name } : { name });
  return owner?.metadata.uid === uid ? owner : undefined;
}

/** The owner goes when everything that blocks its deletion has gone. */
function deleteDependents(
  resource: AnyResource,
  owner: KubeObject,
  view: View,
  resources: readonly AnyResource[],
): Plan {
  const dependents = dependentsOf(owner, view, resources);
  const isBlocked = dependents.some(({ object }) =>
    object.metadata.ownerReferences!.some(({ uid, blockOwnerDeletion }) =>
      uid === owner.metadata.uid && blockOwnerDeletion
    )
  );
  if (!isBlocked) return plan([update(resource, withoutFinalizer(owner, FOREGROUND_FINALIZER))]);
  return plan([], BLOCKED_RECHECK_MS); // each dependent is looked at by itself
}

/** Dependents lose their reference to the owner, then it goes. */
function orphanDependents(
  resource: AnyResource,
  owner: KubeObject,
  view: View,
  resources: readonly AnyResource[],
): Plan {
  const dependents = dependentsOf(owner, view, resources);
  const writes = dependents.slice(0, WRITES_MAX).map(({ resource, object }): Write => {
    const others = object.metadata.ownerReferences!.filter(({ uid }) => uid !== owner.metadata.uid);
    return update(resource, withOwners(object, others));
  });
  if (dependents.length > WRITES_MAX) return plan(writes, 0);
  return plan([...writes, update(resource, withoutFinalizer(owner, ORPHAN_FINALIZER))]);
}

function withoutFinalizer(object: KubeObject, finalizer: string): KubeObject {
  const { finalizers = [], ...metadata } = object.metadata;
  const left = finalizers.filter((word) => word !== finalizer);
  return { ...object, metadata: left.length > 0 ? { ...metadata, finalizers: left } : metadata };
}

interface Dependent {
  resource: AnyResource;
  object: KubeObject;
}

function dependentsOf(
  owner: KubeObject,
  view: View,
  resources: readonly AnyResource[],
): Dependent[] {
  return resources.flatMap((resource) =>
    view.by<KubeObject>(resource, "owner", owner.metadata.uid)
      .map((object) => ({ resource, object }))
  );
}

function keyIn(resource: AnyResource, { metadata }: KubeObject): string {
  return `${groupResourceOf(resource)}/${keyOf(metadata)}`;
}

function groupKindOf({ group, kind }: AnyResource): string {
  return `${group}/${kind}`;
}

function groupKindIn({ apiVersion, kind }: OwnerReference): string {
  return `${apiVersion.includes("/") ? apiVersion.slice(0, apiVersion.indexOf("/")) : ""}/${kind}`;
}
