import type { ObjectName, View } from "../../client/client.ts";
import {
  type CustomResourceDefinition,
  customResourceDefinitions,
  takenNames,
} from "../../resources/apiextensions/custom_resource_definitions.ts";
import { withNamesDecided } from "../../resources/apiextensions/status/names.ts";
import type { Catalog } from "../../resources/catalog.ts";
import type { KubeObject } from "../../resources/resource.ts";
import { type Controller, NOTHING, plan, updateStatus } from "../runtime/controller.ts";

/**
 * Accepts names that were taken when a definition was written, and have become free since.
 *
 * Kubernetes: apiextensions-apiserver `pkg/controller/status/naming_controller.go`.
 */
export function definitionNames(catalog: Catalog): Controller<CustomResourceDefinition> {
  return {
    name: "custom-resource-definition-names",
    resource: customResourceDefinitions,
    watches: [{ resource: customResourceDefinitions, concerns: waitingInGroup }],
    workers: 1,
    reconcile: (definition, view, nowMs) => {
      const taken = takenNames(definition, view.list(customResourceDefinitions), catalog.all);
      const next = withNamesDecided(definition, taken, nowMs);
      return next === definition ? NOTHING : plan([updateStatus(customResourceDefinitions, next)]);
    },
    gone: () => NOTHING,
  };
}

/** Those of the same group that do not have all their names. */
function waitingInGroup(changed: KubeObject, view: View): ObjectName[] {
  const { group } = (changed as CustomResourceDefinition).spec;
  return view.list(customResourceDefinitions).filter(({ spec, status }) =>
    spec.group === group &&
    status.conditions.some(({ type, status }) => type === "NamesAccepted" && status === "False")
  ).map(({ metadata: { name } }) => ({ name }));
}
