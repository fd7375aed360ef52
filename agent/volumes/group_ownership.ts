import type { VolumeFile } from "./atomic_files.ts";

/** The group may read the files of objects, and read and write what is the pod's own. */
const READ_BY_GROUP = 0o440;
const OPEN_TO_GROUP = 0o2770;

/**
 * Files of a volume, for a pod with an `fsGroup`: they are the group's, and readable by it. Kubernetes:
 * `pkg/volume/volume_linux.go`.
 */
export function withGroupAccess(
  files: readonly VolumeFile[],
  groupId: number | undefined,
): VolumeFile[] {
  if (groupId === undefined) return [...files];
  return files.map((file) => ({ ...file, mode: file.mode | READ_BY_GROUP, groupId }));
}

/** Makes the `fsGroup` of the pod the group of a folder, once; what is made in it will be the group's too. */
export async function giveToGroup(folder: string, groupId: number | undefined): Promise<void> {
  if (groupId === undefined) return;
  const { gid, mode } = await Deno.stat(folder);
  if (gid === groupId) return;
  await Deno.chown(folder, null, groupId);
  await Deno.chmod(folder, ((mode ?? 0) & 0o7777) | OPEN_TO_GROUP);
}
