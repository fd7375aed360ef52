import type { Volume } from "../../../core/resources/core/pods/spec/volumes.ts";
import { downwardFiles } from "../downward_files.ts";
import { writeVolume } from "../key_files.ts";
import type { VolumeType } from "../volume_type.ts";

/** https://kubernetes.io/docs/concepts/storage/volumes/#downwardapi */
export const downwardApiVolumes: VolumeType<NonNullable<Volume["downwardAPI"]>> = {
  field: "downwardAPI",
  folderName: "downward-api",
  isReadOnly: true,
  references: () => [],
  showsPod: () => true,
  make: async (volume, { allocatable, nowMs }) => {
    const { items = [], defaultMode } = volume.source;
    await writeVolume(
      volume,
      downwardFiles(volume.pod, items, { defaultMode, allocatable }),
      nowMs,
    );
  },
  placeOf: ({ folder }) => ({ root: folder, isWrittenByPods: false }),
};
