import type { ObjectName, View } from "../../client/client.ts";
import { builtFrom, type Catalog } from "../../resources/catalog.ts";
import { isEqual } from "../../lib/equality.ts";
import {
  type Namespace,
  NAMESPACE_FINALIZER,
  namespaces,
} from "../../resources/core/namespaces.ts";
import { pods } from "../../resources/core/pods/pods.ts";
import { type AnyResource, groupResourceOf, type KubeObject } from "../../resources/resource.ts";
import {
  act,
  type Controller,
  NOTHING,
  type Plan,
  plan,
  remove,
  updateStatus,
} from "../runtime/controller.ts";
import { withConditions } from "../../resources/conditions.ts";

/** Objects that one plan deletes at most; the rest follows with the next looks. */
const WRITES_MAX = 500;

const PODS = groupResourceOf(pods);

type Status = Namespace["status"];
type Condition = NonNullable<Status["conditions"]>[number];

/**
 * Deletes what is in a namespace that is being deleted, and then the namespace.
 *
 * Kubernetes: `pkg/controller/namespace/deletion/namespaced_resources_deleter.go`.
 */
export function namespaceController(catalog: Catalog): Controller<Namespace> {
  const contents = builtFrom(catalog, (kinds) => kinds.filter(({ namespaced }) => namespaced));
  return {
    name: "namespace-controller",
    resource: namespaces,
    watches: [],
    watchesOfKinds: {
      catalog,
      watchOf: (resource) => resource.namespaced ? { resource, concerns: namespaceOf } : undefined,
    },
    workers: 2,
    reconcile: (namespace, view, nowMs) => reconcile(namespace, contents(), view, nowMs),
  };
}

/** What happens in a namespace matters only while it is being deleted. */
function namespaceOf({ metadata: { namespace } }: KubeObject, view: View): ObjectName[] {
  if (namespace === undefined) return [];
  const found = view.get(namespaces, { name: namespace });
  return found?.metadata.deletionTimestamp === undefined ? [] : [{ name: namespace }];
}

function reconcile(
  namespace: Namespace,
  contents: readonly AnyResource[],
  view: View,
  nowMs: number,
): Plan {
  const { metadata: { name, deletionTimestamp }, spec } = namespace;
  if (deletionTimestamp === undefined) return NOTHING;
  const left = contents.map((resource) => ({
    resource,
    objects: view.list<KubeObject>(resource, name),
  })).filter(({ objects }) => objects.length > 0);
  if (left.length === 0) {
    if (!spec.finalizers.includes(NAMESPACE_FINALIZER)) return NOTHING;
    const finalizers = spec.finalizers.filter((finalizer) => finalizer !== NAMESPACE_FINALIZER);
    return plan([act(namespaces, namespace.metadata, "finalize", { spec: { finalizers } })]);
  }
  const victims = firstToGo(left).flatMap(({ resource, objects }) =>
    objects.filter(({ metadata }) => metadata.deletionTimestamp === undefined)
      .map((object) => remove(resource, object, { propagationPolicy: "Background" }))
  );
  const status = statusOf(namespace.status, left, nowMs);
  const written = isEqual(status, namespace.status)
    ? []
    : [updateStatus(namespaces, { ...namespace, status })];
  const writes = [...written, ...victims.slice(0, WRITES_MAX)];
  return plan(writes, victims.length > WRITES_MAX ? 0 : undefined);
}

interface Remainder {
  resource: AnyResource;
  objects: readonly KubeObject[];
}

/**
 * While there are pods, they alone: what they use, such as network policies and settings, stays until they have ended
 * (KEP-5080).
 */
function firstToGo(left: readonly Remainder[]): readonly Remainder[] {
  const ofPods = left.filter(({ resource }) => groupResourceOf(resource) === PODS);
  return ofPods.length > 0 ? ofPods : left;
}

function statusOf(status: Status, left: readonly Remainder[], nowMs: number): Status {
  const updates = [...NO_FAILURES, ...remaining(left)];
  return { phase: "Terminating", conditions: withConditions(status.conditions, updates, nowMs) };
}

function remaining(left: readonly Remainder[]): Condition[] {
  const finalizers = new Map<string, number>();
  for (const { metadata } of left.flatMap(({ objects }) => objects)) {
    for (const word of metadata.finalizers ?? []) {
      finalizers.set(word, (finalizers.get(word) ?? 0) + 1);
    }
  }
  const kinds = left.map(({ resource: { plural, group }, objects }) =>
    `${plural}.${group} has ${objects.length} resource instances` // with the dot also of kinds without a group
  );
  const holding = [...finalizers].map(([word, count]) => `${word} in ${count} resource instances`);
  const what = `Some resources are remaining: ${kinds.sort().join(", ")}`;
  const who = `Some content in the namespace has finalizers remaining: ${
    holding.sort().join(", ")
  }`;
  return [
    conditionWith("NamespaceContentRemaining", "True", ["SomeResourcesRemain", what]),
    holding.length > 0
      ? conditionWith("NamespaceFinalizersRemaining", "True", ["SomeFinalizersRemain", who])
      : conditionWith("NamespaceFinalizersRemaining", "False", [
        "ContentHasNoFinalizers",
        "All content-preserving finalizers finished",
      ]),
  ];
}

function conditionWith(
  type: string,
  status: "True" | "False",
  words: [reason: string, message: string],
): Condition {
  return { type, status, reason: words[0], message: words[1] };
}

/** What fails only in Kubernetes, where other servers may serve a part of the API. */
const NO_FAILURES: readonly Condition[] = [
  conditionWith("NamespaceDeletionDiscoveryFailure", "False", [
    "ResourcesDiscovered",
    "All resources successfully discovered",
  ]),
  conditionWith("NamespaceDeletionGroupVersionParsingFailure", "False", [
    "ParsedGroupVersions",
    "All legacy kube types successfully parsed",
  ]),
  conditionWith("NamespaceDeletionContentFailure", "False", [
    "ContentDeleted",
    "All content successfully deleted, may be waiting on finalization",
  ]),
];
