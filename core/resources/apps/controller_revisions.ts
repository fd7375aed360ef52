import { isEqual } from "../../lib/equality.ts";
import { isJsonObject } from "../../lib/json/json_value.ts";
import { invalid, missing } from "../../schema/causes.ts";
import { anything, fallback, long, object } from "../../schema/schema.ts";
import { ageColumn, nameColumn } from "../columns.ts";
import { defineResource, type KubeObject, type ObjectOf } from "../resource.ts";

/** https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/controller-revision-v1/ */
export const controllerRevisions = defineResource({
  group: "apps",
  version: "v1",
  kind: "ControllerRevision",
  plural: "controllerrevisions",
  namespaced: true,
  schema: object("A state that something had, for a way back to it. Cannot be changed.", {
    data: anything("The state."),
    revision: fallback(0, long("Its place in the order of all revisions.", { minimum: 0 })),
  }),
  columns: [
    nameColumn,
    { name: "Controller", description: "What it is a state of.", value: controllerText },
    {
      name: "Revision",
      description: "Its place in the order of all revisions.",
      value: ({ revision }) => String(revision),
    },
    ageColumn,
  ],
  validate: (next, previous) => {
    if (previous) {
      return isEqual(next.data, previous.data)
        ? []
        : [invalid("data", next.data ?? null, "field is immutable")];
    }
    if (next.data === undefined || next.data === null) {
      return [missing("data", "data is mandatory")];
    }
    return isJsonObject(next.data) ? [] : [missing("data", "data must be a valid JSON object")];
  },
});

export type ControllerRevision = ObjectOf<typeof controllerRevisions>;

/** `statefulset.apps/web`. */
function controllerText({ metadata }: KubeObject): string {
  const owner = metadata.ownerReferences?.find(({ controller }) => controller);
  if (!owner) return "<none>";
  const [group] = owner.apiVersion.includes("/") ? owner.apiVersion.split("/") : [""];
  return `${[owner.kind.toLowerCase(), group].filter(Boolean).join(".")}/${owner.name}`;
}
