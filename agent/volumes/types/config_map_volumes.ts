import { configMaps } from "../../../core/resources/core/config_maps.ts";
import type { Volume } from "../../../core/resources/core/pods/spec/volumes.ts";
import { bytesOfKeys, filesOfKeys, writeVolume } from "../key_files.ts";
import type { VolumeType } from "../volume_type.ts";

/** https://kubernetes.io/docs/concepts/storage/volumes/#configmap */
export const configMapVolumes: VolumeType<NonNullable<Volume["configMap"]>> = {
  field: "configMap",
  folderName: "configmap",
  isReadOnly: true,
  reads: [configMaps],
  references: ({ name = "" }) => [{ resource: configMaps, name }],
  make: async (volume, { view, nowMs }) => {
    const { name = "", optional = false } = volume.source;
    const { namespace } = volume.pod.metadata;
    const object = view.get(configMaps, { namespace, name });
    if (object === undefined && !optional) throw new Error(`configmap "${name}" not found`);
    const data = {
      ...bytesOfKeys(object?.data, (text) => new TextEncoder().encode(text)),
      ...bytesOfKeys(object?.binaryData, (base64) => Uint8Array.fromBase64(base64)),
    };
    const missing = "configmap references non-existent config key";
    await writeVolume(volume, filesOfKeys(data, volume.source, missing), nowMs);
  },
  placeOf: ({ folder }) => ({ root: folder, isWrittenByPods: false }),
};
