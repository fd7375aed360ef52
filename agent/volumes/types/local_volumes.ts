import { ifAbsent } from "../../../core/lib/absent.ts";
import type { PersistentVolumeSpec } from "../../../core/resources/core/persistent_volumes/persistent_volume_spec.ts";
import { checkHostPath, holdHostPath, type Protection } from "../host_path_files.ts";
import { ownFolderOf } from "../local_path_folders.ts";
import { makeOpenFolder } from "../open_folder.ts";
import { VolumeError } from "../volume_error.ts";
import { giveVolumeToGroup } from "../volume_ownership.ts";
import type { VolumeContext, VolumeOf, VolumeType } from "../volume_type.ts";

type Local = NonNullable<PersistentVolumeSpec["local"]>;

/**
 * A folder of this node: one that was made for its claim, or one of the user's own, which has to be there.
 * https://kubernetes.io/docs/concepts/storage/volumes/#local
 */
export const localVolumes: VolumeType<Local> = {
  field: "local",
  folderName: "local-volume",
  make: async (volume, node) => {
    if (volume.persistent?.spec.volumeMode === "Block") return void await devicePath(volume);
    const own = ownPathOf(volume, node);
    if (own !== undefined) await makeOpenFolder(own, undefined);
    else await checkPath(volume, node);
    // Once for each pod, as the kubelet does: when it sets up the volume.
    const isSetUp = await Deno.stat(volume.folder).catch(ifAbsent) !== undefined;
    if (isSetUp) return;
    await giveVolumeToGroup(own ?? volume.source.path, volume.pod, node.tree);
    await Deno.mkdir(volume.folder, { recursive: true });
  },
  deviceOf: devicePath,
  placeOf: (volume, node) => {
    const own = ownPathOf(volume, node);
    if (own !== undefined) return { root: own, isWrittenByPods: true };
    const source = { path: volume.source.path, type: "Directory" as const };
    return {
      root: source.path,
      hold: (tree) => holdHostPath(source, protectionOf(node), tree),
      isWrittenByPods: true,
    };
  },
};

/** As a volume without a file system: the node's device, whatever links lead to it. */
async function devicePath(
  { name, persistent, source: { path } }: VolumeOf<Local>,
): Promise<string> {
  const info = await Deno.stat(path).catch(ifAbsent);
  if (info?.isBlockDevice) return await Deno.realPath(path);
  const subject = `MapVolume.MapPodDevice failed for volume "${
    persistent?.metadata.name ?? name
  }" : `;
  throw new VolumeError(
    info
      ? `${subject}path "${path}" is no block device`
      : `${subject}path "${path}" does not exist`,
  );
}

function ownPathOf({ persistent }: VolumeOf<Local>, node: VolumeContext): string | undefined {
  return persistent && ownFolderOf(persistent, node);
}

async function checkPath(
  { name, persistent, source: { path } }: VolumeOf<Local>,
  node: VolumeContext,
): Promise<void> {
  const { protectedPaths, tree } = node;
  const subject = `MountVolume.NewMounter initialization failed for volume "${
    persistent?.metadata.name ?? name
  }" : `;
  const info = await Deno.stat(path).catch(ifAbsent);
  if (info === undefined) throw new VolumeError(`${subject}path "${path}" does not exist`);
  if (!info.isDirectory) {
    throw new VolumeError(`${subject}only directory and block device are supported`);
  }
  const source = { path, type: "Directory" as const };
  if (tree === undefined) return await checkHostPath(source, protectedPaths);
  using _held = await holdHostPath(source, protectionOf(node), tree);
}

function protectionOf({ protectedPaths }: VolumeContext): Protection {
  return { protectedPaths, mayContain: false };
}
