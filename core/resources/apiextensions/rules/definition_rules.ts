import { isEqual } from "../../../lib/equality.ts";
import { type Cause, invalid, missing, notSupported } from "../../../schema/causes.ts";
import { dns1035LabelFaults, subdomainFaults } from "../../../schema/names.ts";
import { isConditionTrue } from "../../conditions.ts";
import type { Definition, Names } from "../definition/definition.ts";
import { approvalCauses } from "../status/approval.ts";
import { conversionCauses } from "./conversion_rules.ts";
import { versionsCauses } from "./version_rules.ts";

/** What is wrong with a definition. Source: apiextensions-apiserver `pkg/apis/apiextensions/validation/validation.go`. */
export function definitionCauses(next: Definition, previous: Definition | undefined): Cause[] {
  const isSame = previous && isEqual(next.spec, previous.spec);
  return [
    ...(previous ? [] : ownNameCauses(next)),
    ...(isSame ? [] : specCauses(next, previous)),
    ...(previous ? changeCauses(next, previous) : []),
    ...storedVersionCauses(next),
    ...approvalCauses(next, previous),
    ...(next.spec.preserveUnknownFields ? [PRESERVES] : []),
  ];
}

const PRESERVES = invalid(
  "spec.preserveUnknownFields",
  true,
  "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead",
);

function ownNameCauses({ metadata: { name }, spec: { group, names } }: Definition): Cause[] {
  return name === `${names.plural}.${group}`
    ? []
    : [invalid("metadata.name", name, 'must be spec.names.plural+"."+spec.group')];
}

function specCauses(next: Definition, previous: Definition | undefined): Cause[] {
  const { group, scope, versions, names, conversion } = next.spec;
  const { perVersion, common } = versionsCauses(versions, previous?.spec.versions ?? []);
  return [
    ...groupCauses(group),
    ...scopeCauses(scope),
    ...versions.flatMap(({ schema }, i) =>
      schema?.openAPIV3Schema ? [] : [missing(`spec.versions[${i}].schema.openAPIV3Schema`)]
    ),
    ...perVersion,
    ...versionListCauses(next),
    ...(versions[0] ? labelCauses("spec.version", versions[0].name) : []),
    ...(["plural", "singular", "kind", "listKind"] as const).filter((name) => !names[name])
      .map((name) => missing(`spec.names.${name}`)),
    ...namesCauses(names, "spec.names"),
    ...common,
    ...conversionCauses(conversion),
  ];
}

function groupCauses(group: string): Cause[] {
  if (group === "") return [missing("spec.group")];
  const faults = subdomainFaults(group);
  if (faults.length > 0) return [invalid("spec.group", group, faults.join(","))];
  if (group.includes(".")) return [];
  return [invalid("spec.group", group, "should be a domain with at least one dot")];
}

function scopeCauses(scope: string): Cause[] {
  const scopes = ["Cluster", "Namespaced"];
  if (scope === "") return [missing("spec.scope")];
  return scopes.includes(scope) ? [] : [notSupported("spec.scope", scope, scopes)];
}

function versionListCauses({ spec: { versions } }: Definition): Cause[] {
  const shown = versions.map((
    { name, served, storage, deprecated = false, deprecationWarning },
  ) => ({
    Name: name,
    Served: served,
    Storage: storage,
    Deprecated: deprecated,
    DeprecationWarning: deprecationWarning ?? null,
    Schema: null,
    Subresources: null,
    AdditionalPrinterColumns: null,
    SelectableFields: null,
  }));
  const isUnique = new Set(versions.map(({ name }) => name)).size === versions.length;
  const stored = versions.filter(({ storage }) => storage).length;
  return [
    ...(isUnique ? [] : [invalid("spec.versions", shown, "must contain unique version names")]),
    ...(stored === 1 ? [] : [
      invalid("spec.versions", shown, "must have exactly one version marked as storage version"),
    ]),
  ];
}

/** The names of a kind, wanted or accepted. */
function namesCauses(names: Names, field: string): Cause[] {
  const { plural, singular = "", kind, listKind = "", shortNames = [], categories = [] } = names;
  const mixed = "may have mixed case, but should otherwise match: ";
  return [
    ...labelCauses(`${field}.plural`, plural),
    ...labelCauses(`${field}.singular`, singular),
    ...labelCauses(`${field}.kind`, kind, mixed),
    ...labelCauses(`${field}.listKind`, listKind, mixed),
    ...shortNames.flatMap((name, i) => labelCauses(`${field}.shortNames[${i}]`, name, "", true)),
    ...(kind && kind === listKind
      ? [invalid(`${field}.listKind`, listKind, "kind and listKind may not be the same")]
      : []),
    ...categories.flatMap((name, i) => labelCauses(`${field}.categories[${i}]`, name, "", true)),
  ];
}

function labelCauses(field: string, name: string, prefix = "", mayNotBeEmpty = false): Cause[] {
  if (name === "" && !mayNotBeEmpty) return [];
  const faults = dns1035LabelFaults(prefix ? name.toLowerCase() : name);
  return faults.length > 0 ? [invalid(field, name, prefix + faults.join(","))] : [];
}

function changeCauses(next: Definition, previous: Definition): Cause[] {
  const [now, before] = [next.spec, previous.spec];
  const isEstablished = isConditionTrue(previous.status.conditions, "Established");
  const immutable = (field: string, value: string, old: string) =>
    value === old ? [] : [invalid(`spec.${field}`, value, "field is immutable")];
  return [
    ...(isEstablished
      ? [
        ...immutable("scope", now.scope, before.scope),
        ...immutable("names.kind", now.names.kind, before.names.kind),
      ]
      : []),
    ...immutable("group", now.group, before.group),
    ...immutable("names.plural", now.names.plural, before.names.plural),
  ];
}

function storedVersionCauses(
  { spec: { versions }, status: { storedVersions } }: Definition,
): Cause[] {
  const field = "status.storedVersions";
  if (storedVersions.length === 0) {
    return [invalid(field, null, "must have at least one stored version")];
  }
  const names = versions.map(({ name }) => name);
  const lacking = versions.filter(({ name, storage }) => storage && !storedVersions.includes(name));
  return [
    ...lacking.map(({ name }) =>
      invalid(field, storedVersions, `must have the storage version ${name}`)
    ),
    ...storedVersions.flatMap((name, i) =>
      names.includes(name) ? [] : [invalid(
        `${field}[${i}]`,
        name,
        `missing from spec.versions; ${name} was previously a storage version, and must remain in ` +
          "spec.versions until a storage migration ensures no data remains persisted in " +
          `${name} and removes ${name} from status.storedVersions`,
      )]
    ),
  ];
}
