import { ageColumn, nameColumn } from "../columns.ts";
import { conditionFields } from "../conditions.ts";
import { objectIn } from "../../lib/json/json_value.ts";
import { labelNameFaults } from "../../schema/names.ts";
import { ALL_VERBS } from "../life_cycle.ts";
import { defineResource, type ObjectOf } from "../resource.ts";
import { fallback, list, mergeList, object, oneOf, present, string } from "../../schema/schema.ts";

const namespaceCondition = object(
  "One aspect of the deletion of the namespace.",
  conditionFields("What the condition is about."),
);

/** In a namespace's spec: the namespace controller has not emptied it yet. */
export const NAMESPACE_FINALIZER = "kubernetes";

/** Without these nothing works. */
const NEEDED = ["default", "kube-system", "kube-public"];
/** The label by which selectors find a namespace by name. */
const NAME_LABEL = "kubernetes.io/metadata.name";

/** https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/ */
export const namespaces = defineResource({
  group: "",
  version: "v1",
  kind: "Namespace",
  plural: "namespaces",
  nameFaults: labelNameFaults, // they become host names
  verbs: ALL_VERBS.filter((verb) => verb !== "deletecollection"), // one by one, as in Kubernetes
  generation: "none",
  deletionFault: ({ metadata: { name } }) =>
    NEEDED.includes(name) ? "this namespace may not be deleted" : undefined,
  holders: ({ spec }) => spec.finalizers ?? [],
  markedDeleted: (namespace) => withPhase(namespace, "Terminating"),
  // Carries its name as a label. Its finalizers are changed by the subresource `finalize` only.
  admit: (next, previous) => {
    const { name, labels, deletionTimestamp } = next.metadata;
    const { finalizers } = previous?.spec ?? { finalizers: [NAMESPACE_FINALIZER] };
    const metadata = { ...next.metadata, labels: { ...labels, [NAME_LABEL]: name } };
    const named = { ...next, metadata, spec: { ...next.spec, finalizers } };
    return withPhase(named, deletionTimestamp === undefined ? "Active" : "Terminating");
  },
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

function withPhase<T extends { status: object }, Phase>(namespace: T, phase: Phase) {
  return { ...namespace, status: { ...namespace.status, phase } };
}
