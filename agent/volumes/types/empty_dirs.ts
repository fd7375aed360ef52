import type { Volume } from "../../../core/resources/core/pods/spec/volumes.ts";
import { unitsOf } from "../../../core/schema/quantities.ts";
import { giveToGroup } from "../group_ownership.ts";
import { mountMemory } from "../memory_folder.ts";
import { makeOpenFolder } from "../open_folder.ts";
import type { VolumeType } from "../volume_type.ts";

/** https://kubernetes.io/docs/concepts/storage/volumes/#emptydir */
export const emptyDirs: VolumeType<NonNullable<Volume["emptyDir"]>> = {
  field: "emptyDir",
  folderName: "empty-dir",
  make: async ({ pod, source: { medium, sizeLimit }, folder }) => {
    const { fsGroup } = pod.spec.securityContext;
    await makeOpenFolder(folder, fsGroup);
    if (medium !== "Memory") return;
    await mountMemory(folder, sizeLimit === undefined ? undefined : unitsOf(sizeLimit));
    await giveToGroup(folder, fsGroup);
  },
  placeOf: ({ folder }) => ({ root: folder, isWrittenByPods: true }),
};
