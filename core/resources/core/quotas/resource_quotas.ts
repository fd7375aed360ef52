import { isEqual } from "../../../lib/equality.ts";
import { ownField } from "../../../lib/own_field.ts";
import { ageColumn, nameColumn } from "../../columns.ts";
import { defineResource, type ObjectOf } from "../../resource.ts";
import { object, present } from "../../../schema/schema.ts";
import { resourceQuotaCauses } from "./resource_quota_rules.ts";
import {
  resourceQuotaSpec,
  type ResourceQuotaStatus,
  resourceQuotaStatus,
} from "./resource_quota_spec.ts";

/** https://kubernetes.io/docs/concepts/policy/resource-quotas/ */
export const resourceQuotas = defineResource({
  group: "",
  version: "v1",
  kind: "ResourceQuota",
  plural: "resourcequotas",
  shortNames: ["quota"],
  namespaced: true,
  generation: "none",
  schema: object("How much the objects of a namespace may use together.", {
    spec: present(resourceQuotaSpec),
    status: present(resourceQuotaStatus),
  }),
  columns: [
    nameColumn,
    {
      name: "Request",
      description: "What is used of what may be, but for limits.",
      value: ({ status }) => usageText(status, (name) => !isLimit(name)),
    },
    {
      name: "Limit",
      description: "What is used of the limits that containers may set.",
      value: ({ status }) => usageText(status, isLimit),
    },
    ageColumn,
  ],
  validate: (next, previous) => resourceQuotaCauses(next.spec, previous?.spec),
});

export type ResourceQuota = ObjectOf<typeof resourceQuotas>;

/** Whether the status says of everything that is limited how much of it is used. */
export function isStatusOf(
  { spec, status }: ResourceQuota,
  used: Readonly<Record<string, string>>,
): boolean {
  return isEqual(status.hard ?? {}, spec.hard ?? {}) && isEqual(status.used ?? {}, used);
}

function isLimit(name: string): boolean {
  return name.startsWith("limits.");
}

function usageText(
  { hard = {}, used }: ResourceQuotaStatus,
  isShown: (name: string) => boolean,
): string {
  return Object.keys(hard).filter(isShown).sort()
    .map((name) => `${name}: ${ownField(used, name) ?? "0"}/${ownField(hard, name)}`)
    .join(", ");
}
