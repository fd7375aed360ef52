import type { FileTree, HeldFile } from "../../core/lib/linux/file_tree.ts";
import type { Pod } from "../../core/resources/core/pods/pods.ts";
import { giveToGroup } from "./group_ownership.ts";

/** The group may read and write files, and enter folders, whose content becomes its own, too. */
const FILE_MODE = 0o660;
const FOLDER_MODE = 0o2770;
/** Folders below each other that are walked through, each of which is held open. */
const DEPTH_MAX = 256;

/**
 * Makes the `fsGroup` of the pod the group of all that is in a volume, whoever made it: always, or, as
 * `fsGroupChangePolicy: OnRootMismatch` says, when the volume itself is not the group's yet. Follows no links, and changes
 * nothing outside, whatever other pods do to the volume meanwhile. Kubernetes: `pkg/volume/volume_linux.go`.
 */
export async function giveVolumeToGroup(
  path: string,
  { spec: { securityContext } }: Pod,
  tree: FileTree | undefined,
): Promise<void> {
  const { fsGroup, fsGroupChangePolicy } = securityContext;
  if (fsGroup === undefined) return;
  if (tree === undefined) return await giveToGroup(path, fsGroup);
  using root = tree.hold(path);
  const { gid, mode } = await Deno.stat(root.procPath);
  const isGroups = gid === fsGroup && ((mode ?? 0) & FOLDER_MODE) === FOLDER_MODE;
  if (fsGroupChangePolicy === "OnRootMismatch" && isGroups) return;
  await giveAll(root, fsGroup, tree, 0);
}

/** What is in a folder comes first: the folder is the group's only when all of it is. */
async function giveAll(
  held: HeldFile,
  groupId: number,
  tree: FileTree,
  depth: number,
): Promise<void> {
  const { isDirectory, isSymlink, gid, mode } = await Deno.stat(held.procPath);
  if (isSymlink) return;
  if (isDirectory && depth < DEPTH_MAX) {
    for await (const { name, isSymlink } of Deno.readDir(held.procPath)) {
      if (isSymlink) continue;
      using entry = tree.holdEntry(held, name);
      if (entry !== undefined) await giveAll(entry, groupId, tree, depth + 1);
    }
  }
  if (gid !== groupId) await Deno.chown(held.procPath, null, groupId);
  const wanted = ((mode ?? 0) & 0o7777) | (isDirectory ? FOLDER_MODE : FILE_MODE);
  if (((mode ?? 0) & 0o7777) !== wanted) await Deno.chmod(held.procPath, wanted);
}
