import type { Draft, View } from "../../client/client.ts";
import { isEqual } from "../../lib/equality.ts";
import { cloneJson, type JsonObject, objectIn } from "../../lib/json/json_value.ts";
import { msOf } from "../../lib/timestamp.ts";
import {
  type ControllerRevision,
  controllerRevisions,
} from "../../resources/apps/controller_revisions.ts";
import { type PodTemplate, podTemplate } from "../../resources/core/pods/spec/pod_spec.ts";
import { withTemplatePrepared } from "../../resources/core/pods/template_rules.ts";
import type { AnyResource, KubeObject, Resource } from "../../resources/resource.ts";
import { check } from "../../schema/check.ts";
import type { LabelSelector } from "../../schema/label_selector.ts";
import { remove, type Watch, type Write } from "../runtime/controller.ts";
import { canonicalJson, safeWordOf } from "../runtime/hashes.ts";
import { childrenOf, controllerOf, controllerReference } from "../runtime/ownership.ts";

/** On pods: the revision that they were made of. */
export const REVISION_HASH = "controller-revision-hash";
/** Kubernetes: `ControllerRevisionName`; with its hash a name is no longer than names may be. */
const NAME_PREFIX_CHARS_MAX = 223;

/** What keeps its history in ControllerRevisions. */
export interface Revisioned extends KubeObject {
  metadata: KubeObject["metadata"] & { namespace: string };
  spec: { template: PodTemplate; revisionHistoryLimit: number };
}

/**
 * What a ControllerRevision keeps of a template: a strategic merge patch that brings it back, as `kubectl rollout undo`
 * applies it. Fields are in order, so that equal templates give equal bytes, as kubectl compares them.
 */
export function revisionDataOf(template: PodTemplate): JsonObject {
  const patch = { spec: { template: { ...template, $patch: "replace" } } };
  return JSON.parse(canonicalJson(patch)) as JsonObject;
}

/** Whether the revision keeps just this. */
export function keeps({ data }: ControllerRevision, wanted: JsonObject): boolean {
  return isEqual(data, wanted);
}

/** The template that a revision keeps, with today's defaults. Throws when it keeps none: a user has made it. */
export function templateIn({ metadata: { name }, data }: ControllerRevision): PodTemplate {
  const { $patch: _, ...template } = objectIn(objectIn(data as JsonObject, "spec"), "template");
  const { value, causes } = check(podTemplate, cloneJson(template));
  if (causes.length > 0) {
    throw new Error(`Cannot apply ControllerRevision "${name}": it keeps no template of pods`);
  }
  return withTemplatePrepared(value);
}

/** Whether the revision keeps the template, but for defaults that only one of them says. */
export function keepsMeaning(revision: ControllerRevision, template: PodTemplate): boolean {
  try {
    return isEqual(templateIn(revision), withTemplatePrepared(template));
  } catch {
    return false; // it keeps no template at all
  }
}

/** Revisions from the first to the last. Kubernetes: `SortControllerRevisions`. */
export function inOrder(revisions: readonly ControllerRevision[]): ControllerRevision[] {
  return [...revisions].sort((a, b) =>
    a.revision - b.revision ||
    msOf(a.metadata.creationTimestamp) - msOf(b.metadata.creationTimestamp) ||
    (a.metadata.name < b.metadata.name ? -1 : 1)
  );
}

/** A hash of the state that changes with each collision. */
export function revisionHashOf(data: JsonObject, collisionCount: number): string {
  return safeWordOf(`${canonicalJson(data)} ${collisionCount}`);
}

/** The name of a revision of the owner. */
export function revisionNameOf({ metadata: { name } }: KubeObject, hash: string): string {
  return `${name.slice(0, NAME_PREFIX_CHARS_MAX)}-${hash}`;
}

/** A revision to be made. `hashLabel`: the label that carries the hash. */
export function newRevision(
  resource: AnyResource,
  owner: Revisioned,
  { hash, hashLabel, revision }: { hash: string; hashLabel: string; revision: number },
): Draft<ControllerRevision> {
  const { namespace, annotations } = owner.metadata;
  const { template } = owner.spec;
  return {
    metadata: {
      name: revisionNameOf(owner, hash),
      namespace,
      labels: { ...template.metadata?.labels, [hashLabel]: hash },
      ...(annotations && { annotations }),
      ownerReferences: [controllerReference(resource, owner)],
    },
    data: revisionDataOf(template),
    revision,
  };
}

/**
 * The watch of an owner's revisions: of those that go or have no owner. One that comes wakes nobody, as in Kubernetes: most
 * come from the owner's own controller.
 */
export function revisionsOf<T extends KubeObject>(
  ownerResource: Resource<T>,
  selectorOf: (owner: T) => LabelSelector,
): Watch {
  const all = childrenOf(controllerRevisions, ownerResource, selectorOf);
  const isKept = (revision: KubeObject, view: View) =>
    controllerOf(revision) !== undefined &&
    revisionNamed(view, revision.metadata.namespace!, revision.metadata.name) !== undefined;
  return {
    ...all,
    concerns: (revision, view) => isKept(revision, view) ? [] : all.concerns(revision, view),
  };
}

/** The revision that has a name, whoever it belongs to. */
export function revisionNamed(
  view: View,
  namespace: string,
  name: string,
): ControllerRevision | undefined {
  return view.get(controllerRevisions, { namespace, name });
}

/**
 * Deletes revisions that nothing needs, the first ones first, until no more than `surplusMax` are gone. `ordered`: from
 * the first to the last.
 */
export function truncation(
  ordered: readonly ControllerRevision[],
  surplus: number,
  isLive: (revision: ControllerRevision) => boolean,
): Write[] {
  if (surplus <= 0) return [];
  return ordered.filter((revision) => !isLive(revision)).slice(0, surplus)
    .map((revision) => remove(controllerRevisions, revision));
}
