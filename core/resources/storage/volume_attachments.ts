import { isEqual } from "../../lib/equality.ts";
import { type Cause, forbidden, invalid, missing, tooLong } from "../../schema/causes.ts";
import { subdomainFaults } from "../../schema/names.ts";
import {
  boolean,
  fallback,
  integer,
  kept,
  mapOf,
  object,
  present,
  required,
  string,
  time,
  type TypeOf,
} from "../../schema/schema.ts";
import { ageColumn, nameColumn } from "../columns.ts";
import { inlineVolumeCauses } from "../core/persistent_volumes/persistent_volume_rules.ts";
import { inlineVolumeSpec } from "../core/persistent_volumes/persistent_volume_spec.ts";
import { defineResource, type ObjectOf } from "../resource.ts";
import { storedOnlyWarnings } from "../unimplemented_fields.ts";
import { bytesOf, driverNameCauses } from "./provisioning.ts";

const METADATA_BYTES_MAX = 256 * 1024;
const MESSAGE_BYTES_MAX = 1024;

const errorFields = {
  time: time("When it happened."),
  message: string("What went wrong; never with anything secret."),
  errorCode: integer("Code of the driver's answer."),
};

const volumeAttachmentSpec = object("What is to be attached, and where.", {
  attacher: required(string("CSI driver that attaches it.")),
  source: present(object("The volume.", {
    persistentVolumeName: kept(string("Name of a PersistentVolume.")),
    inlineVolumeSpec,
  })),
  nodeName: fallback("", kept(string("Node that it is attached to."))),
});
type Spec = TypeOf<typeof volumeAttachmentSpec>;

const volumeAttachmentStatus = object("How attaching goes.", {
  attached: fallback(false, boolean("Whether it is attached.")),
  attachmentMetadata: mapOf("What the driver says for those who mount.", string("Value.")),
  attachError: object("What went wrong when it was attached.", errorFields),
  detachError: object("What went wrong when it was detached.", errorFields),
});
type Status = TypeOf<typeof volumeAttachmentStatus>;

/** https://kubernetes.io/docs/reference/kubernetes-api/config-and-storage-resources/volume-attachment-v1/ */
export const volumeAttachments = defineResource({
  group: "storage.k8s.io",
  version: "v1",
  kind: "VolumeAttachment",
  plural: "volumeattachments",
  namespaced: false,
  needsVersion: true,
  generation: "none",
  schema: object("A wish that a volume is attached to a node.", {
    spec: present(volumeAttachmentSpec),
    status: present(volumeAttachmentStatus),
  }),
  columns: [
    nameColumn,
    {
      name: "Attacher",
      description: "CSI driver that attaches it.",
      value: ({ spec }) => spec.attacher,
    },
    {
      name: "PV",
      description: "PersistentVolume that is attached.",
      value: ({ spec }) => spec.source.persistentVolumeName,
    },
    {
      name: "Node",
      description: "Node that it is attached to.",
      value: ({ spec }) => spec.nodeName,
    },
    {
      name: "Attached",
      description: "Whether it is attached.",
      type: "boolean",
      value: ({ status }) => status.attached,
    },
    ageColumn,
  ],
  prepare: (next) => ({ ...next, status: withoutCodes(next.status) }),
  validate: ({ spec, status }, previous) => [
    ...specCauses(spec, previous === undefined),
    ...statusCauses(status),
    ...(previous && !isEqual(spec, previous.spec)
      ? [invalid("spec", spec, "field is immutable")]
      : []),
  ],
  validateStatus: ({ status }) => statusCauses(status),
  warnings: (_, previous) =>
    storedOnlyWarnings("VolumeAttachment", previous, "no volume is attached for it"),
});

export type VolumeAttachment = ObjectOf<typeof volumeAttachments>;

/** Codes are behind a feature gate that Kubernetes has off. */
function withoutCodes(status: Status): Status {
  const { attachError, detachError } = status;
  if (attachError?.errorCode === undefined && detachError?.errorCode === undefined) return status;
  const without = ({ errorCode: _, ...error }: NonNullable<Status["attachError"]>) => error;
  return {
    ...status,
    ...(attachError && { attachError: without(attachError) }),
    ...(detachError && { detachError: without(detachError) }),
  };
}

function specCauses({ attacher, source, nodeName }: Spec, isNew: boolean): Cause[] {
  const field = "spec.source";
  const { persistentVolumeName: name, inlineVolumeSpec } = source;
  const rule = "must specify exactly one of inlineVolumeSpec and persistentVolumeName";
  const causes: Cause[] = [];
  if (inlineVolumeSpec && name !== undefined) causes.push(forbidden(field, rule));
  else if (inlineVolumeSpec) {
    causes.push(...inlineVolumeCauses(inlineVolumeSpec, `${field}.inlineVolumeSpec`));
  } else if (name === undefined) causes.push(missing(field, rule));
  else if (name === "") {
    causes.push(
      missing(`${field}.persistentVolumeName`, "must specify non empty persistentVolumeName"),
    );
  }
  causes.push(
    ...subdomainFaults(nodeName).map((fault) => invalid("spec.nodeName", nodeName, fault)),
  );
  if (!isNew) return causes;
  return [
    ...causes,
    ...driverNameCauses("spec.attacher", attacher),
    ...(name === undefined ? [] : subdomainFaults(name)).map((fault) =>
      invalid(`${field}.persistentVolumeName`, name, fault)
    ),
  ];
}

function statusCauses({ attachmentMetadata = {}, attachError, detachError }: Status): Cause[] {
  const causes = bytesOf(Object.entries(attachmentMetadata)) > METADATA_BYTES_MAX
    ? [tooLong("status.attachmentMetadata", METADATA_BYTES_MAX)]
    : [];
  for (const [name, error] of Object.entries({ attachError, detachError })) {
    if (bytesOf([["", error?.message ?? ""]]) <= MESSAGE_BYTES_MAX) continue;
    causes.push(tooLong(`status.${name}.message`, METADATA_BYTES_MAX)); // Kubernetes names the other limit
  }
  return causes;
}
