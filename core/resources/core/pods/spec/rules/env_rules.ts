import { type Cause, invalid, missing, notSupported } from "../../../../../schema/causes.ts";
import { configKeyFaults, relaxedEnvNameFaults } from "../../../../../schema/names.ts";
import { nameCauses } from "../../../../../schema/value_rules.ts";
import type { EnvFromSource, EnvVar } from "../env.ts";

const FIELDS = [
  "metadata.name",
  "metadata.namespace",
  "metadata.uid",
  "spec.nodeName",
  "spec.serviceAccountName",
  "status.hostIP",
  "status.hostIPs",
  "status.podIP",
  "status.podIPs",
];
const AMOUNTS = [
  "limits.cpu",
  "limits.ephemeral-storage",
  "limits.memory",
  "requests.cpu",
  "requests.ephemeral-storage",
  "requests.memory",
];
const subscripted = /^metadata\.(annotations|labels)\['[^']+'\]$/;

/** The rules for environment variables, in the words of k8s.io/kubernetes/pkg/apis/core/validation. */
export function envCauses(env: readonly EnvVar[], field: string): Cause[] {
  return env.flatMap((each, i) => [
    ...nameCauses(`${field}[${i}].name`, each.name, relaxedEnvNameFaults),
    ...valueFromCauses(each, `${field}[${i}].valueFrom`),
  ]);
}

const sources = [
  "fieldRef",
  "resourceFieldRef",
  "configMapKeyRef",
  "secretKeyRef",
  "fileKeyRef",
] as const;
const WORDS =
  "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`";

function valueFromCauses({ value, valueFrom }: EnvVar, field: string): Cause[] {
  if (!valueFrom) return [];
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef } = valueFrom;
  const causes: Cause[] = [];
  if (fieldRef?.fieldPath) causes.push(...fieldRefCauses(fieldRef, `${field}.fieldRef`));
  if (resourceFieldRef?.resource) {
    causes.push(...amountCauses(resourceFieldRef.resource, `${field}.resourceFieldRef`));
  }
  if (configMapKeyRef) causes.push(...keyCauses(configMapKeyRef, `${field}.configMapKeyRef`));
  if (secretKeyRef) causes.push(...keyCauses(secretKeyRef, `${field}.secretKeyRef`));
  const count = sources.filter((name) => valueFrom[name]).length;
  if (count === 0) causes.push(invalid(field, "", WORDS));
  else if (value) causes.push(invalid(field, "", "may not be specified when `value` is not empty"));
  else if (count > 1) {
    causes.push(invalid(field, "", "may not have more than one field specified at a time"));
  }
  return causes;
}

type FieldReference = NonNullable<NonNullable<EnvVar["valueFrom"]>["fieldRef"]>;

function fieldRefCauses({ apiVersion, fieldPath }: FieldReference, field: string): Cause[] {
  if (apiVersion === "v1") return fieldPathCauses(fieldPath, field);
  const rule = `error converting fieldPath: unsupported pod version: ${apiVersion}`;
  return [invalid(`${field}.fieldPath`, fieldPath, rule)];
}

function fieldPathCauses(path: string, field: string): Cause[] {
  if (FIELDS.includes(path) || subscripted.test(path)) return [];
  return path.endsWith("]")
    ? [invalid(field, path.split("[")[0], "does not support subscript")]
    : [notSupported(`${field}.fieldPath`, path, FIELDS)];
}

function amountCauses(resource: string, field: string): Cause[] {
  return AMOUNTS.includes(resource) || /^(limits|requests)\.hugepages-/.test(resource)
    ? []
    : [notSupported(`${field}.resource`, resource, AMOUNTS)];
}

function keyCauses({ name, key }: { name?: string; key: string }, field: string): Cause[] {
  return [
    ...(name ? [] : [missing(`${field}.name`)]),
    ...nameCauses(`${field}.key`, key, configKeyFaults),
  ];
}

export function envFromCauses(envFrom: readonly EnvFromSource[], field: string): Cause[] {
  return envFrom.flatMap(({ prefix, configMapRef, secretRef }, i) => {
    const at = `${field}[${i}]`;
    const causes = nameCauses(`${at}.prefix`, prefix, relaxedEnvNameFaults);
    if (configMapRef && !configMapRef.name) causes.push(missing(`${at}.configMapRef.name`));
    if (secretRef && !secretRef.name) causes.push(missing(`${at}.secretRef.name`));
    if (!configMapRef && !secretRef) {
      causes.push(invalid(field, "", "must specify one of: `configMapRef` or `secretRef`"));
    }
    if (configMapRef && secretRef) {
      causes.push(invalid(field, "", "may not have more than one field specified at a time"));
    }
    return causes;
  });
}
