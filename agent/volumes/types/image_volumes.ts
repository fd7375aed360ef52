import type { Volume } from "../../../core/resources/core/pods/spec/volumes.ts";
import type { VolumeType } from "../volume_type.ts";

/** The files of an image. The runtime mounts it when it makes a container, which comes after the image was pulled. */
export const imageVolumes: VolumeType<NonNullable<Volume["image"]>> = {
  field: "image",
  isReadOnly: true,
  isMountedByRuntime: true,
  make: () => Promise.resolve(),
  placeOf: ({ folder }) => ({ root: folder, isWrittenByPods: false }),
};
