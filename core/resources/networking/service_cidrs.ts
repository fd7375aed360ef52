import { isIpv4 } from "../../lib/addresses/ip_address.ts";
import { parseSloppyCidr } from "../../lib/addresses/ip_text.ts";
import { cidrFaults } from "../../schema/address_rules.ts";
import { type Cause, invalid, missing } from "../../schema/causes.ts";
import {
  allowingDuplicates,
  fallback,
  kept,
  list,
  long,
  mergeList,
  object,
  present,
  string,
} from "../../schema/schema.ts";
import { ageColumn, nameColumn } from "../columns.ts";
import { conditionFields } from "../conditions.ts";
import { defineResource, type ObjectOf } from "../resource.ts";
import { storedOnlyWarnings } from "../unimplemented_fields.ts";

const FIELD = "spec.cidrs";
const FIXED = "field is immutable";

const condition = object("One aspect of the state of the ranges.", {
  ...conditionFields("What it is about: Ready."),
  reason: fallback("", kept(string("One word, in CamelCase, for machines."))),
  message: fallback("", kept(string("A sentence for people."))),
  observedGeneration: long("Generation of the object that the condition was set for."),
});

/** https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/service-cidr-v1/ */
export const serviceCidrs = defineResource({
  group: "networking.k8s.io",
  version: "v1",
  kind: "ServiceCIDR",
  plural: "servicecidrs",
  namespaced: false,
  generation: "none",
  schema: object("Ranges from which Services get their addresses.", {
    spec: present(object("The ranges.", {
      cidrs: list("One range, or one of each family.", string("Range.")),
    })),
    status: present(object("How the ranges are.", {
      conditions: allowingDuplicates(mergeList("Aspects of their state.", ["type"], condition)),
    })),
  }),
  columns: [
    nameColumn,
    {
      name: "CIDRs",
      description: "The ranges.",
      value: ({ spec }) => (spec.cidrs ?? []).join(","),
    },
    ageColumn,
  ],
  validate: ({ spec: { cidrs = [] } }, previous) =>
    previous ? changeCauses(cidrs, previous.spec.cidrs ?? []) : rangeCauses(cidrs),
  warnings: (_, previous) =>
    storedOnlyWarnings("ServiceCIDR", previous, "Services get no addresses from it"),
});

export type ServiceCidr = ObjectOf<typeof serviceCidrs>;

function rangeCauses(cidrs: readonly string[]): Cause[] {
  if (cidrs.length === 0) return [missing(FIELD, "at least one CIDR required")];
  if (cidrs.length > 2) {
    return [invalid(FIELD, { CIDRs: cidrs }, "may only hold up to 2 values")];
  }
  const causes = cidrs.flatMap((cidr, i) =>
    cidrFaults(cidr).map((fault) => invalid(`${FIELD}[${i}]`, cidr, fault))
  );
  const [first, second] = cidrs.map(parseSloppyCidr);
  if (first && second && isIpv4(first.address) === isIpv4(second.address)) {
    causes.push(invalid(
      FIELD,
      cidrs,
      "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64",
    ));
  }
  return causes;
}

/** Only a range of the other family may be added. */
function changeCauses(next: readonly string[], previous: readonly string[]): Cause[] {
  const changed = (i: number) =>
    next[i] === previous[i] ? [] : [invalid(`${FIELD}[${i}]`, next[i], FIXED)];
  if (next.length === previous.length) return next.flatMap((_, i) => changed(i));
  if (previous.length === 1 && next.length === 2) return [...changed(0), ...rangeCauses(next)];
  return [invalid(FIELD, next, FIXED)];
}
