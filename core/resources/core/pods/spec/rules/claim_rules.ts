import { isEqual } from "../../../../../lib/equality.ts";
import { ownField } from "../../../../../lib/own_field.ts";
import {
  type Cause,
  forbidden,
  invalid,
  missing,
  notSupported,
} from "../../../../../schema/causes.ts";
import { labelSelectorCauses } from "../../../../../schema/label_selector.ts";
import { labelNameFaults, subdomainFaults } from "../../../../../schema/names.ts";
import { compareQuantities, quantityFault, unitsOf } from "../../../../../schema/quantities.ts";
import { nameCauses } from "../../../../../schema/value_rules.ts";
import type { ClaimSpec } from "../claims.ts";

/** The rules for a claim, in the words of k8s.io/kubernetes/pkg/apis/core/validation. `field` is the path of its spec. */
export function claimSpecCauses(spec: ClaimSpec, field: string): Cause[] {
  const { accessModes = [], selector, resources, storageClassName } = spec;
  return [
    ...(accessModes.length === 0
      ? [missing(`${field}.accessModes`, "at least 1 access mode is required")]
      : accessModeCauses(accessModes, `${field}.accessModes`)),
    ...(selector ? labelSelectorCauses(selector, `${field}.selector`) : []),
    ...storageCauses(ownField(resources.requests, "storage"), `${field}.resources[storage]`),
    ...nameCauses(`${field}.storageClassName`, storageClassName, subdomainFaults),
    ...sourceCauses(spec, field),
    ...nameCauses(
      `${field}.volumeAttributesClassName`,
      spec.volumeAttributesClassName,
      subdomainFaults,
    ),
  ];
}

const ACCESS_MODES = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];

export function accessModeCauses(modes: readonly string[], field: string): Cause[] {
  const unknown = modes.filter((mode) => !ACCESS_MODES.includes(mode));
  const causes = unknown.map((mode) => notSupported(field, mode, ACCESS_MODES));
  const isOfOnePod = modes.includes("ReadWriteOncePod");
  if (isOfOnePod && modes.some((mode) => mode !== "ReadWriteOncePod" && !unknown.includes(mode))) {
    causes.push(forbidden(field, "may not use ReadWriteOncePod with other access modes"));
  }
  return causes;
}

function storageCauses(amount: string | undefined, field: string): Cause[] {
  if (amount === undefined) return [missing(field)];
  return positiveCauses(amount, field);
}

/** A debt is no capacity. What is no amount, the schema has named already. */
export function amountCauses(amount: string, field: string): Cause[] {
  if (quantityFault(amount) !== undefined || compareQuantities(amount, "0") >= 0) return [];
  return [invalid(field, unitsOf(amount), "must be a valid resource quantity")];
}

/** What is no amount, the schema has named already. */
export function positiveCauses(amount: string, field: string): Cause[] {
  return quantityFault(amount) !== undefined || compareQuantities(amount, "0") > 0
    ? []
    : [invalid(field, amount, "must be greater than zero")];
}

type Reference = { apiGroup?: string; kind: string; name: string; namespace?: string };

function sourceCauses({ dataSource, dataSourceRef }: ClaimSpec, field: string): Cause[] {
  const causes = [
    ...(dataSource ? referenceCauses(dataSource, `${field}.dataSource`) : []),
    ...(dataSourceRef ? referenceCauses(dataSourceRef, `${field}.dataSourceRef`) : []),
  ];
  if (!dataSource || !dataSourceRef) return causes;
  const { namespace, ...local } = dataSourceRef;
  if (namespace) {
    const rule = "may not be specified when dataSourceRef.namespace is specified";
    causes.push(invalid(field, {}, rule));
  } else if (!isEqual(dataSource, local)) {
    causes.push(invalid(field, {}, "must match dataSourceRef"));
  }
  return causes;
}

function referenceCauses({ apiGroup, kind, namespace }: Reference, field: string): Cause[] {
  const rule = "must be 'PersistentVolumeClaim' when referencing the default apiGroup";
  return [
    ...(!apiGroup && kind !== "PersistentVolumeClaim" ? [invalid(field, kind ?? "", rule)] : []),
    ...nameCauses(`${field}.apiGroup`, apiGroup, subdomainFaults),
    ...nameCauses(`${field}.namespace`, namespace, labelNameFaults),
  ];
}
