import { FileTree } from "../../core/lib/linux/file_tree.ts";
import { mountPoints, readMounts, unmountBelow } from "../../core/lib/linux/mount_table.ts";

/**
 * Mounts a file system in memory over a folder. Where that is not allowed (no root), the folder stays on the disk:
 * its content lives as long, but is slower. May be repeated.
 */
export async function mountMemory(folder: string, bytesMax: number | undefined): Promise<void> {
  if ((await mountsBelow(folder)).includes(folder)) return;
  const options = bytesMax === undefined ? "mode=777" : `mode=777,size=${bytesMax}`;
  await run("mount", ["-t", "tmpfs", "-o", options, "tmpfs", folder]);
}

/**
 * Unmounts all that is mounted at or below a folder, so that its files can be removed. Rejects when something is
 * still mounted: removing the files then would remove those of its source.
 */
export async function unmountAll(folder: string, tree: FileTree | undefined): Promise<void> {
  const mounts = await mountsBelow(folder);
  if (mounts.length === 0) return;
  if (tree === undefined) await unmountBelow([folder]);
  else tree.unmount(mounts);
  const [left] = await mountsBelow(folder);
  if (left !== undefined) {
    throw new Error(`Cannot unmount "${left}": it is still mounted; unmount it by hand`);
  }
}

/** Outermost first. */
async function mountsBelow(folder: string): Promise<readonly string[]> {
  return mountPoints(await readMounts()).filter((path) =>
    path === folder || path.startsWith(`${folder}/`)
  )
    .toReversed();
}

async function run(command: string, args: string[]): Promise<boolean> {
  try {
    const { success } = await new Deno.Command(command, {
      args,
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).output();
    return success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.PermissionDenied) {
      return false;
    }
    throw error;
  }
}
