import { type Cause, forbidden, invalid, missing } from "../../../schema/causes.ts";
import { labelNameFaults, subdomainFaults } from "../../../schema/names.ts";
import type { SecretReference } from "../../../schema/references.ts";
import { backstepCauses, nameCauses } from "../../../schema/value_rules.ts";
import type { InlineVolumeSpec, PersistentVolumeSpec } from "./persistent_volume_spec.ts";
import { persistentVolumeSources } from "./volume_sources.ts";

type SourceName = keyof typeof persistentVolumeSources;
const NAMES = Object.keys(persistentVolumeSources) as SourceName[];

/** Longest name of a volume and address of its iSCSI target, together. */
const INITIATOR_CHARS_MAX = 64;
const ISCSI_NAMES: Readonly<Record<string, RegExp>> = {
  iqn: /^iqn\.\d{4}-\d{2}\.([a-zA-Z0-9.-]{1,200})(:[^,;*&$|\s]{1,200})?$/,
  eui: /^eui\.[\dA-Fa-f]{16}$/,
  naa: /^naa\.(?:[\dA-Fa-f]{16}|[\dA-Fa-f]{32})$/,
};

/** The sources that a volume names, in Kubernetes' order. */
export function sourcesOf(spec: InlineVolumeSpec): SourceName[] {
  return NAMES.filter((name) => spec[name] !== undefined);
}

/** The rules for where a volume is, in the words of k8s.io/kubernetes/pkg/apis/core/validation. */
export function sourceCauses(spec: InlineVolumeSpec, field: string, name: string): Cause[] {
  const [first, ...others] = sourcesOf(spec);
  if (first === undefined) return [missing(field, "must specify a volume type")];
  // Kubernetes forgets to count this one.
  const counted = others.filter((other) => other !== "flexVolume");
  const causes = counted.map((other) =>
    forbidden(
      `${field}.${other === "cephfs" ? "cephFS" : other}`,
      "may not specify more than 1 volume type",
    )
  );
  return [...causes, ...firstCauses(spec, `${field}.${first}`, name)];
}

/** The schema has named what is missing. */
function firstCauses(spec: InlineVolumeSpec, field: string, name: string): Cause[] {
  const { hostPath, local, nfs, glusterfs, iscsi, azureFile, csi, cinder, storageos } = spec;
  const path = hostPath?.path ?? local?.path;
  if (path !== undefined) return backstepCauses(`${field}.path`, path);
  if (nfs) {
    return nfs.path && !nfs.path.startsWith("/")
      ? [invalid(`${field}.path`, nfs.path, "must be an absolute path")]
      : [];
  }
  if (glusterfs?.endpointsNamespace !== undefined) {
    return namespaceCauses(`${field}.endpointsNamespace`, glusterfs.endpointsNamespace);
  }
  if (azureFile?.secretNamespace === "") return [missing(`${field}.secretNamespace`)];
  if (iscsi) return iscsiCauses(iscsi, field, name);
  const { secretRef } = cinder ?? storageos ?? {};
  if (secretRef) return wholeReferenceCauses(secretRef, `${field}.secretRef`);
  return csi ? csiCauses(csi, field) : [];
}

function namespaceCauses(field: string, namespace: string): Cause[] {
  if (namespace === "") {
    const rule = "if the endpointnamespace is set, it must be a valid namespace name";
    return [invalid(field, namespace, rule)];
  }
  return nameCauses(field, namespace, labelNameFaults);
}

function iscsiCauses(
  iscsi: NonNullable<PersistentVolumeSpec["iscsi"]>,
  field: string,
  name: string,
): Cause[] {
  const { targetPortal = "", iqn, initiatorName, secretRef } = iscsi;
  const causes: Cause[] = [];
  if (initiatorName !== undefined && `${name}:${targetPortal}`.length > INITIATOR_CHARS_MAX) {
    const rule =
      "Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is specified.";
    causes.push(invalid(`${field}.targetportal`, targetPortal, rule));
  }
  if (iqn) causes.push(...iscsiNameCauses(`${field}.iqn`, iqn));
  if ((iscsi.chapAuthDiscovery || iscsi.chapAuthSession) && !secretRef) {
    causes.push(missing(`${field}.secretRef`));
  }
  if (secretRef && !secretRef.name) causes.push(missing(`${field}.secretRef.name`));
  if (initiatorName !== undefined) {
    causes.push(...iscsiNameCauses(`${field}.initiatorname`, initiatorName));
  }
  return causes;
}

function iscsiNameCauses(field: string, name: string): Cause[] {
  const shape = ISCSI_NAMES[name.slice(0, 3)];
  return shape?.test(name) ? [] : [invalid(field, name, "must be valid format")];
}

function csiCauses(csi: NonNullable<PersistentVolumeSpec["csi"]>, field: string): Cause[] {
  const secrets = [
    "controllerPublishSecretRef",
    "controllerExpandSecretRef",
    "nodePublishSecretRef",
    "nodeExpandSecretRef",
  ] as const;
  return [
    ...nameCauses(`${field}.driver`, csi.driver, (name) => subdomainFaults(name.toLowerCase())),
    ...secrets.flatMap((name) => {
      const reference = csi[name];
      return reference ? secretCauses(reference, `${field}.${name}`) : [];
    }),
  ];
}

function secretCauses({ name, namespace }: SecretReference, field: string): Cause[] {
  return [
    ...wholeReferenceCauses({ name, namespace }, field),
    ...nameCauses(`${field}.name`, name, subdomainFaults),
    ...nameCauses(`${field}.namespace`, namespace, labelNameFaults),
  ];
}

function wholeReferenceCauses(
  { name, namespace }: { name?: string | undefined; namespace?: string | undefined },
  field: string,
): Cause[] {
  return [
    ...(name ? [] : [missing(`${field}.name`)]),
    ...(namespace ? [] : [missing(`${field}.namespace`)]),
  ];
}
