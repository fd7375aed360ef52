import type { View } from "../../client/client.ts";
import {
  CLEANUP_FINALIZER,
  type CustomResourceDefinition,
  customResourceDefinitions,
} from "../../resources/apiextensions/custom_resource_definitions.ts";
import type { Catalog } from "../../resources/catalog.ts";
import { withCondition } from "../../resources/conditions.ts";
import type { AnyResource, KubeObject } from "../../resources/resource.ts";
import {
  type Controller,
  NOTHING,
  type Plan,
  plan,
  remove,
  update,
  updateStatus,
} from "../runtime/controller.ts";

/** Objects that one plan deletes at most; the rest follows with the next looks. */
const WRITES_MAX = 500;

/**
 * Deletes the objects of a definition that is being deleted, and lets it go when none is left.
 *
 * Kubernetes: apiextensions-apiserver `pkg/controller/finalizer/crd_finalizer.go`.
 */
export function definitionCleanup(catalog: Catalog): Controller<CustomResourceDefinition> {
  return {
    name: "custom-resource-definition-cleanup",
    resource: customResourceDefinitions,
    watches: [],
    watchesOfKinds: {
      catalog,
      watchOf: (resource) => {
        const { definedBy } = resource;
        return definedBy && { resource, concerns: () => [{ name: definedBy.name }] };
      },
    },
    workers: 1,
    reconcile: (definition, view, nowMs) => {
      const { plural, group } = { ...definition.spec.names, ...definition.spec };
      const kind = catalog.find(`${plural}.${group}`);
      return reconcile(definition, kind?.definedBy ? kind : undefined, view, nowMs);
    },
  };
}

function reconcile(
  definition: CustomResourceDefinition,
  kind: AnyResource | undefined,
  view: View,
  nowMs: number,
): Plan {
  const { deletionTimestamp, finalizers = [] } = definition.metadata;
  if (deletionTimestamp === undefined || !finalizers.includes(CLEANUP_FINALIZER)) return NOTHING;
  const left = kind ? view.list<KubeObject>(kind) : [];
  if (left.length === 0) {
    return plan([update(customResourceDefinitions, withoutFinalizer(definition))]);
  }
  const victims = left.filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .map((object) => remove(kind!, object));
  const inProgress = withProgress(definition, nowMs);
  const written = inProgress === definition
    ? []
    : [updateStatus(customResourceDefinitions, inProgress)];
  const writes = [...written, ...victims.slice(0, WRITES_MAX)];
  return plan(writes, victims.length > WRITES_MAX ? 0 : undefined);
}

function withProgress(
  definition: CustomResourceDefinition,
  nowMs: number,
): CustomResourceDefinition {
  const conditions = withCondition(definition.status.conditions, {
    type: "Terminating",
    status: "True",
    reason: "InstanceDeletionInProgress",
    message: "CustomResource deletion is in progress",
  }, nowMs);
  if (conditions === definition.status.conditions) return definition;
  return { ...definition, status: { ...definition.status, conditions } };
}

function withoutFinalizer(definition: CustomResourceDefinition): CustomResourceDefinition {
  const { metadata } = definition;
  const finalizers = metadata.finalizers?.filter((finalizer) => finalizer !== CLEANUP_FINALIZER) ??
    [];
  return { ...definition, metadata: { ...metadata, finalizers } };
}
