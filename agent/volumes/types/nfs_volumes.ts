import type { Volume } from "../../../core/resources/core/pods/spec/volumes.ts";
import { mountFileSystem } from "../file_system_mount.ts";
import type { VolumeType } from "../volume_type.ts";

/** https://kubernetes.io/docs/concepts/storage/volumes/#nfs */
export const nfsVolumes: VolumeType<NonNullable<Volume["nfs"]>> = {
  field: "nfs",
  isMountedReadOnly: ({ source: { readOnly = false } }) => readOnly,
  make: async ({ source: { server, path, readOnly }, folder, persistent }) => {
    const host = server.includes(":") ? `[${server}]` : server; // IPv6
    const options = [...readOnly ? ["ro"] : [], ...persistent?.spec.mountOptions ?? []];
    await mountFileSystem({ type: "nfs", source: `${host}:${path}`, folder, options });
  },
  placeOf: ({ folder }) => ({ root: folder, isWrittenByPods: true }),
};
