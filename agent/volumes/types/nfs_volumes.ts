import type { Volume } from "../../../core/resources/core/pods/spec/volumes.ts";
import { type FileSystem, mountFileSystem } from "../file_system_mount.ts";
import type { VolumeOf, VolumeType } from "../volume_type.ts";

/** https://kubernetes.io/docs/concepts/storage/volumes/#nfs */
export const nfsVolumes: VolumeType<NonNullable<Volume["nfs"]>> = {
  field: "nfs",
  isMountedReadOnly: ({ source: { readOnly = false } }) => readOnly,
  make: (volume) => mountFileSystem(shareOf(volume)),
  placeOf: ({ folder }) => ({ root: folder, isWrittenByPods: true }),
};

/** What is mounted for a volume, and how. */
export function shareOf(
  { source: { server, path, readOnly }, folder, persistent }: VolumeOf<NonNullable<Volume["nfs"]>>,
): FileSystem {
  const host = server.includes(":") ? `[${server}]` : server; // IPv6
  const options = [...readOnly ? ["ro"] : [], ...persistent?.spec.mountOptions ?? []];
  return { type: "nfs", source: `${host}:${path}`, folder, options };
}
