import { labelSelector } from "../../../../schema/label_selector.ts";
import { templateMeta } from "../../../../schema/metadata.ts";
import { typedLocalObjectReference, typedObjectReference } from "../../../../schema/references.ts";
import {
  fallback,
  list,
  mapOf,
  object,
  oneOf,
  quantity,
  required,
  string,
} from "../../../../schema/schema.ts";

const claimSpec = object("The volume that is wanted.", {
  accessModes: list(
    "How it must be mountable.",
    oneOf("A way to mount it.", [
      "ReadOnlyMany",
      "ReadWriteMany",
      "ReadWriteOnce",
      "ReadWriteOncePod",
    ]),
  ),
  selector: labelSelector,
  resources: object("How large it must be.", {
    limits: mapOf("Amounts at most.", quantity("Amount.")),
    requests: mapOf("Amounts at least, such as `storage`.", quantity("Amount.")),
  }),
  volumeName: string("Name of the PersistentVolume that it is bound to."),
  storageClassName: string("StorageClass that makes it; empty for none."),
  volumeMode: fallback(
    "Filesystem",
    oneOf("Whether it is a file system or a device.", ["Block", "Filesystem"]),
  ),
  dataSource: typedLocalObjectReference,
  dataSourceRef: typedObjectReference,
  volumeAttributesClassName: string("VolumeAttributesClass with further settings."),
});

/** https://kubernetes.io/docs/concepts/storage/ephemeral-volumes/#generic-ephemeral-volumes */
export const claimTemplate = object("The claim that is made for the pod.", {
  metadata: templateMeta,
  spec: required(claimSpec),
});
