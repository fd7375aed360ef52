import { ageColumn, nameColumn } from "../columns.ts";
import { conditionFields } from "../conditions.ts";
import { objectIn } from "../../lib/json/json_value.ts";
import { labelNameFaults } from "../../schema/names.ts";
import { defineResource, type ObjectOf } from "../resource.ts";
import { fallback, list, mergeList, object, oneOf, present, string } from "../../schema/schema.ts";

const namespaceCondition = object(
  "One aspect of the deletion of the namespace.",
  conditionFields("What the condition is about."),
);

/** In a namespace's spec: the namespace controller has not emptied it yet. */
export const NAMESPACE_FINALIZER = "kubernetes";

/** https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/ */
export const namespaces = defineResource({
  group: "",
  version: "v1",
  kind: "Namespace",
  plural: "namespaces",
  nameFaults: labelNameFaults, // they become host names
  shortNames: ["ns"],
  namespaced: false,
  schema: object("A space for the names of objects.", {
    spec: present(object("What the namespace should be.", {
      finalizers: fallback(
        [NAMESPACE_FINALIZER],
        list("Who must finish before the namespace can go.", string("Finalizer.")),
      ),
    })),
    status: present(object("How the namespace is.", {
      phase: fallback(
        "Active",
        oneOf("Whether it is being deleted.", ["Active", "Terminating"]),
      ),
      conditions: mergeList("Aspects of its deletion.", ["type"], namespaceCondition),
    })),
  }),
  // Sets who must still finish before the namespace can go: with nobody left, one that is being deleted is gone.
  subresources: [{
    name: "finalize",
    verbs: ["update"],
    decide: (current, sent) => {
      const given = objectIn(sent, "spec")["finalizers"];
      const finalizers = Array.isArray(given) ? given.map(String) : [];
      return { next: { ...current, spec: { ...current.spec, finalizers } } };
    },
  }],
  columns: [
    nameColumn,
    {
      name: "Status",
      description: "Whether it is being deleted.",
      value: ({ status }) => status.phase,
    },
    ageColumn,
  ],
  fields: { "status.phase": (namespace) => namespace.status.phase },
});

export type Namespace = ObjectOf<typeof namespaces>;
