import { conditionFields } from "../../../conditions.ts";
import { labelSelector } from "../../../../schema/label_selector.ts";
import { templateMeta } from "../../../../schema/metadata.ts";
import { typedLocalObjectReference, typedObjectReference } from "../../../../schema/references.ts";
import {
  allowingDuplicates,
  fallback,
  kept,
  list,
  mapOf,
  mergeList,
  object,
  oneOf,
  present,
  quantity,
  required,
  string,
  time,
  type TypeOf,
} from "../../../../schema/schema.ts";

export const claimSpec = object("The volume that is wanted.", {
  accessModes: list(
    "How it must be mountable.",
    string("ReadWriteOnce, ReadOnlyMany, ReadWriteMany or ReadWriteOncePod."),
  ),
  selector: labelSelector,
  resources: present(object("How large it must be.", {
    limits: mapOf("Amounts at most.", quantity("Amount.")),
    requests: mapOf("Amounts at least, such as `storage`.", quantity("Amount.")),
  })),
  volumeName: string("Name of the PersistentVolume that it is bound to."),
  storageClassName: kept(string("StorageClass that makes it; empty for none.")),
  volumeMode: fallback(
    "Filesystem",
    oneOf("Whether it is a file system or a device.", ["Block", "Filesystem"]),
  ),
  dataSource: typedLocalObjectReference,
  dataSourceRef: typedObjectReference,
  volumeAttributesClassName: kept(string("VolumeAttributesClass with further settings.")),
});

export type ClaimSpec = TypeOf<typeof claimSpec>;

/** https://kubernetes.io/docs/concepts/storage/ephemeral-volumes/#generic-ephemeral-volumes */
export const claimTemplate = object("The claim that is made for the pod.", {
  metadata: templateMeta,
  spec: required(claimSpec),
});

const amounts = (description: string) => mapOf(description, quantity("Amount."));

/** How a claim is, as a template of a StatefulSet has it too. */
export const claimStatus = object("How the claim is.", {
  phase: fallback(
    "Pending",
    string("Pending, Bound or Lost."),
  ),
  accessModes: list("How its volume can be mounted.", string("A way to mount it.")),
  capacity: amounts("What its volume has."),
  conditions: allowingDuplicates(mergeList(
    "Aspects of its state.",
    ["type"],
    object("One aspect of the state of the claim.", {
      ...conditionFields("What it is about."),
      lastProbeTime: time("When it was last looked at."),
    }),
  )),
  allocatedResources: amounts("What has been set aside for it, while it grows."),
  allocatedResourceStatuses: mapOf("How growing goes, by what grows.", string("State.")),
  currentVolumeAttributesClassName: string("VolumeAttributesClass that its volume has."),
  modifyVolumeStatus: object("How a change of its VolumeAttributesClass goes.", {
    targetVolumeAttributesClassName: string("The class that is wanted."),
    status: required(string("Pending, InProgress or Infeasible.")),
  }),
});

export type ClaimStatus = TypeOf<typeof claimStatus>;

/** A whole claim, as a StatefulSet has it for each of its pods. */
export const wholeClaim = object("A claim to make for each pod, named after it.", {
  apiVersion: fallback("v1", string("Always v1.")),
  kind: fallback("PersistentVolumeClaim", string("Always PersistentVolumeClaim.")),
  metadata: present(templateMeta),
  spec: present(claimSpec),
  status: present(claimStatus),
});
