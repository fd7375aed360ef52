import { type Cause, missing } from "../../schema/causes.ts";
import { kept, list, object, required, string, type TypeOf } from "../../schema/schema.ts";
import { ageColumn, nameColumn } from "../columns.ts";
import { defineResource, type ObjectOf } from "../resource.ts";
import { GROUP_SHAPE, KIND_SHAPE, NAMESPACE_SHAPE } from "./reference_shapes.ts";

const referenceGrantSpec = object("Who may refer to what.", {
  from: required(list(
    "Objects that may refer.",
    object("Objects of a kind in a namespace.", {
      group: kept(string('Group of the objects; `""` for the core group.', GROUP_SHAPE)),
      kind: required(string("Kind of the objects.", KIND_SHAPE)),
      namespace: required(string("Namespace of the objects.", NAMESPACE_SHAPE)),
    }),
    { minItems: 1, maxItems: 16 },
  )),
  to: required(list(
    "Objects of this namespace that may be referred to.",
    object("Objects of a kind, or one of them.", {
      group: kept(string('Group of the objects; `""` for the core group.', GROUP_SHAPE)),
      kind: required(string("Kind of the objects.", KIND_SHAPE)),
      name: string("Name of the one that is meant; all when absent.", { maxLength: 253 }),
    }),
    { minItems: 1, maxItems: 16 },
  )),
});
type Spec = TypeOf<typeof referenceGrantSpec>;

/** https://gateway-api.sigs.k8s.io/api-types/referencegrant/ */
export const referenceGrants = defineResource({
  group: "gateway.networking.k8s.io",
  version: "v1beta1",
  kind: "ReferenceGrant",
  plural: "referencegrants",
  shortNames: ["refgrant"],
  categories: ["gateway-api"],
  needsVersion: true,
  namespaced: true,
  generation: "content",
  schema: object("Lets objects of other namespaces refer to objects of this one.", {
    spec: referenceGrantSpec,
  }),
  columns: [nameColumn, ageColumn],
  validate: ({ spec }) => spec ? groupCauses(spec) : [],
});

export type ReferenceGrant = ObjectOf<typeof referenceGrants>;

/** A group may be empty, but must be said. */
function groupCauses({ from, to }: Spec): Cause[] {
  return Object.entries({ from, to }).flatMap(([name, references = []]) =>
    references.flatMap(({ group }, i) =>
      group === undefined ? [missing(`spec.${name}[${i}].group`)] : []
    )
  );
}
