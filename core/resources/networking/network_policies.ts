import { object, present } from "../../schema/schema.ts";
import { ageColumn, nameColumn, selectorText } from "../columns.ts";
import { defineResource, type ObjectOf } from "../resource.ts";
import { storedOnlyWarnings } from "../unimplemented_fields.ts";
import { policyCauses, policyWarnings } from "./network_policy_rules.ts";
import { type NetworkPolicySpec, networkPolicySpec } from "./network_policy_shape.ts";

/** https://kubernetes.io/docs/concepts/services-networking/network-policies/ */
export const networkPolicies = defineResource({
  group: "networking.k8s.io",
  version: "v1",
  kind: "NetworkPolicy",
  plural: "networkpolicies",
  shortNames: ["netpol"],
  namespaced: true,
  generation: "content",
  schema: object("What traffic the pods of a namespace may have.", {
    spec: present(networkPolicySpec),
  }),
  columns: [
    nameColumn,
    {
      name: "Pod-Selector",
      description: "Pods that it is about.",
      value: ({ spec }) => selectorText(spec.podSelector),
    },
    ageColumn,
  ],
  prepare: (next) => ({ ...next, spec: withPolicyTypes(next.spec) }),
  validate: (next, previous) => policyCauses(next.spec, previous?.spec),
  warnings: (next, previous) => [
    ...policyWarnings(next.spec),
    ...storedOnlyWarnings("NetworkPolicy", previous, "traffic is not restricted by it"),
  ],
});

export type NetworkPolicy = ObjectOf<typeof networkPolicies>;

function withPolicyTypes(spec: NetworkPolicySpec): NetworkPolicySpec {
  if (spec.policyTypes && spec.policyTypes.length > 0) return spec;
  return { ...spec, policyTypes: spec.egress?.length ? ["Ingress", "Egress"] : ["Ingress"] };
}
