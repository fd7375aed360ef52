import { type Cause, forbidden, invalid, missing, notFound } from "../../../../../schema/causes.ts";
import { labelNameFaults } from "../../../../../schema/names.ts";
import { compareQuantities, quantityFault } from "../../../../../schema/quantities.ts";
import { backstepCauses, localPathCauses, nameCauses } from "../../../../../schema/value_rules.ts";
import { claimSpecCauses } from "./claim_rules.ts";
import type { Container } from "../containers.ts";
import type { Volume } from "../volumes.ts";

/** The rules for volumes, in the words of k8s.io/kubernetes/pkg/apis/core/validation. */
export function volumeCauses(volumes: readonly Volume[], field: string): Cause[] {
  return volumes.flatMap((volume, i) => {
    const at = `${field}[${i}]`;
    const [, ...others] = Object.keys(volume).filter((name) => name !== "name");
    return [
      ...nameCauses(`${at}.name`, volume.name, labelNameFaults),
      ...others.map((name) =>
        forbidden(`${at}.${name}`, "may not specify more than 1 volume type")
      ),
      ...localSourceCauses(volume, at),
      ...writtenSourceCauses(volume, at),
      ...claimCauses(volume, `${at}.ephemeral.volumeClaimTemplate`),
    ];
  });
}

function localSourceCauses({ emptyDir, hostPath, nfs }: Volume, field: string): Cause[] {
  const causes: Cause[] = [];
  const size = emptyDir?.sizeLimit;
  if (size !== undefined && quantityFault(size) === undefined && compareQuantities(size, "0") < 0) {
    const rule = "SizeLimit field must be a valid resource quantity";
    causes.push(forbidden(`${field}.emptyDir.sizeLimit`, rule));
  }
  if (hostPath?.path) causes.push(...backstepCauses(`${field}.hostPath.path`, hostPath.path));
  if (nfs?.path && !nfs.path.startsWith("/")) {
    causes.push(invalid(`${field}.nfs.path`, nfs.path, "must be an absolute path"));
  }
  return causes;
}

function claimCauses({ ephemeral }: Volume, field: string): Cause[] {
  if (!ephemeral) return [];
  return ephemeral.volumeClaimTemplate
    ? claimSpecCauses(ephemeral.volumeClaimTemplate.spec, `${field}.spec`)
    : [missing(field)];
}

function writtenSourceCauses(volume: Volume, field: string): Cause[] {
  const { configMap, secret, downwardAPI, projected } = volume;
  const causes: Cause[] = [];
  if (configMap && !configMap.name) causes.push(missing(`${field}.configMap.name`));
  if (secret && !secret.secretName) causes.push(missing(`${field}.secret.secretName`));
  const written = { configMap, secret, downwardAPI, projected };
  for (const [name, source] of Object.entries(written)) {
    if (!source) continue;
    causes.push(...modeCauses(source.defaultMode, `${field}.${name}.defaultMode`));
    if ("items" in source && source.items) {
      causes.push(...fileCauses(source.items, `${field}.${name}.items`));
    }
  }
  return causes;
}

function fileCauses(files: readonly { path: string; mode?: number }[], field: string): Cause[] {
  return files.flatMap(({ path, mode }, i) => [
    ...(path ? localPathCauses(`${field}[${i}].path`, path) : []),
    ...modeCauses(mode, `${field}[${i}].mode`),
  ]);
}

function modeCauses(mode: number | undefined, field: string): Cause[] {
  return mode === undefined || (mode >= 0 && mode <= 0o777)
    ? []
    : [invalid(field, mode, "must be a number between 0 and 0777 (octal), both inclusive")];
}

/** The rules for what a container mounts: volumes that exist, at paths of their own. */
export function mountCauses(
  { volumeMounts = [], volumeDevices = [] }: Container,
  field: string,
  volumes: ReadonlySet<string>,
): Cause[] {
  return [
    ...placeCauses(
      volumeMounts.map(({ name, mountPath }) => ({ name, path: mountPath })),
      { field: `${field}.volumeMounts`, pathField: "mountPath", volumes },
    ),
    ...volumeMounts.flatMap(({ subPath, subPathExpr }, i) => {
      const at = `${field}.volumeMounts[${i}]`;
      const causes = subPath ? localPathCauses(`${at}.subPath`, subPath) : [];
      if (subPathExpr) causes.push(...localPathCauses(`${at}.subPathExpr`, subPathExpr));
      if (subPath && subPathExpr) {
        const rule = "subPathExpr and subPath are mutually exclusive";
        causes.push(invalid(`${at}.subPathExpr`, subPathExpr, rule));
      }
      return causes;
    }),
    ...placeCauses(
      volumeDevices.map(({ name, devicePath }) => ({ name, path: devicePath })),
      { field: `${field}.volumeDevices`, pathField: "devicePath", volumes },
    ),
  ];
}

interface Places {
  field: string;
  pathField: string;
  volumes: ReadonlySet<string>;
}

function placeCauses(
  places: readonly { name: string; path: string }[],
  { field, pathField, volumes }: Places,
): Cause[] {
  const taken = new Set<string>();
  return places.flatMap(({ name, path }, i) => {
    const causes: Cause[] = [];
    if (name && !volumes.has(name)) causes.push(notFound(`${field}[${i}].name`, name));
    if (path && taken.has(path)) {
      causes.push(invalid(`${field}[${i}].${pathField}`, path, "must be unique"));
    }
    taken.add(path);
    return causes;
  });
}
