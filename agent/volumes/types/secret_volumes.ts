import type { Volume } from "../../../core/resources/core/pods/spec/volumes.ts";
import { secrets } from "../../../core/resources/core/secrets.ts";
import { writeVolume } from "../key_files.ts";
import { secretFiles } from "../object_files.ts";
import type { VolumeType } from "../volume_type.ts";

/** https://kubernetes.io/docs/concepts/storage/volumes/#secret */
export const secretVolumes: VolumeType<NonNullable<Volume["secret"]>> = {
  field: "secret",
  isReadOnly: true,
  reads: [secrets],
  references: ({ secretName = "" }) => [{ resource: secrets, name: secretName }],
  make: async (volume, { view, nowMs }) => {
    const { pod, source } = volume;
    const files = secretFiles(pod, { ...source, name: source.secretName ?? "" }, view);
    await writeVolume(volume, files, nowMs);
  },
  placeOf: ({ folder }) => ({ root: folder, isWrittenByPods: false }),
};
