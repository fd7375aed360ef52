import { ipFaults } from "../../schema/address_rules.ts";
import { type Cause, missing } from "../../schema/causes.ts";
import { pathSegmentFaults, subdomainFaults } from "../../schema/names.ts";
import { object, present, required, string, type TypeOf } from "../../schema/schema.ts";
import { immutableCauses, nameCauses } from "../../schema/value_rules.ts";
import { nameColumn } from "../columns.ts";
import { defineResource, type ObjectOf } from "../resource.ts";

const parentRef = object("The object that has the address.", {
  group: string("Group of the object; absent for the core group."),
  resource: required(string("Kind of the object, in the plural: `services`.")),
  namespace: string("Namespace of the object."),
  name: required(string("Name of the object.")),
});
type ParentRef = TypeOf<typeof parentRef>;

/** https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/ip-address-v1/ */
export const ipAddresses = defineResource({
  group: "networking.k8s.io",
  version: "v1",
  kind: "IPAddress",
  plural: "ipaddresses",
  shortNames: ["ip"],
  namespaced: false,
  nameFaults: ipFaults,
  schema: object("An address of a Service range, and who has it.", {
    spec: present(object("Who has the address.", { parentRef })),
  }),
  generation: "none",
  indexes: { parent: ({ spec }) => spec.parentRef ? [parentText(spec.parentRef)] : [] },
  columns: [
    nameColumn,
    {
      name: "ParentRef",
      description: "The object that has the address.",
      value: ({ spec }) => parentText(spec.parentRef),
    },
  ],
  validate: ({ spec }, previous) =>
    previous
      ? immutableCauses("spec.parentRef", spec.parentRef, previous.spec.parentRef)
      : parentCauses(spec.parentRef, "spec.parentRef"),
});

export type IpAddressObject = ObjectOf<typeof ipAddresses>;

function parentText(parent: ParentRef | undefined): string {
  if (!parent) return "<none>";
  const { group, resource, namespace, name } = parent;
  const kind = group ? `${resource}.${group}` : resource;
  return [kind.toLowerCase(), ...namespace ? [namespace] : [], name].join("/");
}

function parentCauses(parent: ParentRef | undefined, field: string): Cause[] {
  if (!parent) return [missing(field)];
  return [
    ...nameCauses(`${field}.group`, parent.group, subdomainFaults),
    ...nameCauses(`${field}.resource`, parent.resource, pathSegmentFaults),
    ...nameCauses(`${field}.name`, parent.name, pathSegmentFaults),
    ...nameCauses(`${field}.namespace`, parent.namespace, pathSegmentFaults),
  ];
}
