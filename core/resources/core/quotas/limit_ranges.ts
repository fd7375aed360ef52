import { createdColumn, nameColumn } from "../../columns.ts";
import { defineResource, type ObjectOf } from "../../resource.ts";
import { object, present } from "../../../schema/schema.ts";
import { limitRangeCauses } from "./limit_range_rules.ts";
import { type LimitRangeSpec, limitRangeSpec } from "./limit_range_spec.ts";

/** https://kubernetes.io/docs/concepts/policy/limit-range/ */
export const limitRanges = defineResource({
  group: "",
  version: "v1",
  kind: "LimitRange",
  plural: "limitranges",
  shortNames: ["limits"],
  namespaced: true,
  schema: object("Bounds and defaults for what each object of a namespace uses.", {
    spec: present(limitRangeSpec),
  }),
  columns: [nameColumn, createdColumn],
  prepare: (next) => ({ ...next, spec: withDefaults(next.spec) }),
  validate: ({ spec }) => limitRangeCauses(spec),
});

export type LimitRange = ObjectOf<typeof limitRanges>;

/** For containers: the limit defaults to the most, the request to the limit, else to the least. */
function withDefaults(spec: LimitRangeSpec): LimitRangeSpec {
  const limits = spec.limits.map((item) => {
    if (item.type !== "Container") return item;
    const limit = { ...item.max, ...item.default };
    const request = { ...item.min, ...limit, ...item.defaultRequest };
    return {
      ...item,
      ...(Object.keys(limit).length > 0 && { default: limit }),
      ...(Object.keys(request).length > 0 && { defaultRequest: request }),
    };
  });
  return { ...spec, limits };
}
