import { FileTree } from "../../core/lib/linux/file_tree.ts";
import { removeFolder } from "../../core/lib/linux/folder_removal.ts";
import { assert } from "../../core/lib/assert.ts";
import type { PersistentVolume } from "../../core/resources/core/persistent_volumes/persistent_volumes.ts";
import { localPathNodeOf } from "../../core/resources/storage/local_path.ts";
import { unmountAll } from "./memory_folder.ts";

/** Where the volumes are that were made on this node: outside of the folders of pods, which they outlive. */
export function localPathFolder(dataFolder: string): string {
  return `${dataFolder}/volumes`;
}

/** The folder that was made for a volume on this node; `undefined`: it is none of these, whatever it says of its path. */
export function ownFolderOf(
  volume: PersistentVolume,
  { nodeName, volumesFolder }: { nodeName: string; volumesFolder: string },
): string | undefined {
  const { metadata: { name }, spec } = volume;
  const isOurs = localPathNodeOf(volume) === nodeName;
  const path = `${volumesFolder}/${name}`;
  return isOurs && spec.local?.path === path ? path : undefined;
}

/** Removes what is in the folder of a volume, and the folder. Rejects when something is still mounted in it. */
export type RemoveFolder = (path: string) => Promise<void>;

/** Follows no links: pods make what they like in their volumes. May be repeated. */
export async function removeVolumeFolder(path: string): Promise<void> {
  assert(path.startsWith("/") && !path.split("/").includes(".."), `"${path}" is no folder of ours`);
  using tree = FileTree.open();
  await unmountAll(path, tree);
  await removeFolder(path);
}
