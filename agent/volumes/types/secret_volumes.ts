import type { Volume } from "../../../core/resources/core/pods/spec/volumes.ts";
import { secrets } from "../../../core/resources/core/secrets.ts";
import { bytesOfKeys, filesOfKeys, writeVolume } from "../key_files.ts";
import type { VolumeType } from "../volume_type.ts";

/** https://kubernetes.io/docs/concepts/storage/volumes/#secret */
export const secretVolumes: VolumeType<NonNullable<Volume["secret"]>> = {
  field: "secret",
  isReadOnly: true,
  reads: [secrets],
  references: ({ secretName = "" }) => [{ resource: secrets, name: secretName }],
  make: async (volume, { view, nowMs }) => {
    const { secretName: name = "", optional = false } = volume.source;
    const { namespace } = volume.pod.metadata;
    const object = view.get(secrets, { namespace, name });
    if (object === undefined && !optional) throw new Error(`secret "${name}" not found`);
    const data = bytesOfKeys(object?.data, (base64) => Uint8Array.fromBase64(base64));
    const missing = "references non-existent secret key";
    await writeVolume(volume, filesOfKeys(data, volume.source, missing), nowMs);
  },
  placeOf: ({ folder }) => ({ root: folder, isWrittenByPods: false }),
};
