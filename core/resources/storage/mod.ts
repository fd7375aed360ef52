import type { AnyResource } from "../resource.ts";
import { csiDrivers } from "./csi_drivers.ts";
import { csiNodes } from "./csi_nodes.ts";
import { csiStorageCapacities } from "./csi_storage_capacities.ts";
import { storageClasses } from "./storage_classes.ts";
import { volumeAttachments } from "./volume_attachments.ts";
import { volumeAttributesClasses } from "./volume_attributes_classes.ts";

/** The kinds of `storage.k8s.io/v1`. */
export const STORAGE_KINDS: readonly AnyResource[] = [
  csiDrivers,
  csiNodes,
  csiStorageCapacities,
  storageClasses,
  volumeAttachments,
  volumeAttributesClasses,
];
