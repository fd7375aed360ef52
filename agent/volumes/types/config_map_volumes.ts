import { configMaps } from "../../../core/resources/core/config_maps.ts";
import type { Volume } from "../../../core/resources/core/pods/spec/volumes.ts";
import { writeVolume } from "../key_files.ts";
import { configMapFiles } from "../object_files.ts";
import type { VolumeType } from "../volume_type.ts";

/** https://kubernetes.io/docs/concepts/storage/volumes/#configmap */
export const configMapVolumes: VolumeType<NonNullable<Volume["configMap"]>> = {
  field: "configMap",
  folderName: "configmap",
  isReadOnly: true,
  reads: [configMaps],
  references: ({ name = "" }) => [{ resource: configMaps, name }],
  make: async (volume, { view, nowMs }) => {
    const { pod, source } = volume;
    const files = configMapFiles(pod, { ...source, name: source.name ?? "" }, view);
    await writeVolume(volume, files, nowMs);
  },
  placeOf: ({ folder }) => ({ root: folder, isWrittenByPods: false }),
};
