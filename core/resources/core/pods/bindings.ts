import { objectReference } from "../../../schema/references.ts";
import { object, required } from "../../../schema/schema.ts";
import { ageColumn, nameColumn } from "../../columns.ts";
import { defineResource } from "../../resource.ts";
import { pods } from "./pods.ts";

/**
 * An older way to the `binding` of a pod: the one that is named like the Binding.
 *
 * https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/binding-v1/
 */
export const bindings = defineResource({
  group: "",
  version: "v1",
  kind: "Binding",
  plural: "bindings",
  namespaced: true,
  verbs: ["create"],
  columns: [nameColumn, ageColumn],
  createdAs: { resource: pods, subresource: "binding" },
  schema: object("Puts a pod on a node.", { target: required(objectReference) }),
});
