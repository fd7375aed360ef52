import { ifAbsent } from "../absent.ts";

/** A mounted file system, or a part of one. */
export interface MountEntry {
  /** Where it is seen. */
  path: string;
  /** Number of the device that the file system is on, `major:minor`: the same for all mounts of one file system. */
  device: string;
  /** The folder of the file system that is seen there. */
  root: string;
}

/** The mounts in a text of `/proc/PID/mountinfo` (proc(5)), in its order. */
export function mountEntries(mountinfo: string): readonly MountEntry[] {
  return mountinfo.split("\n").flatMap((line) => {
    const [_id, _parent, device, root, path] = line.split(" ");
    if (device === undefined || root === undefined || path === undefined) return [];
    return [{ path: unescaped(path), device, root: unescaped(root) }];
  });
}

/**
 * What this process sees mounted, as text for {@linkcode mountEntries}; empty where the system has no such table. Rejects
 * when it is there and cannot be read, for one, because too many files are open: who took that for "nothing is mounted"
 * would remove what is mounted with the rest.
 */
export async function readMounts(read = Deno.readTextFile): Promise<string> {
  try {
    return await read("/proc/self/mountinfo");
  } catch (error) {
    return ifAbsent(error) ?? "";
  }
}

/** The mount points in a text of `/proc/PID/mountinfo` (proc(5)), innermost first. */
export function mountPoints(mountinfo: string): readonly string[] {
  return mountEntries(mountinfo).map(({ path }) => path).reverse();
}

/** The kernel writes spaces and such as `\040`. */
function unescaped(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, octal) => String.fromCharCode(parseInt(octal, 8)));
}

/** Unmounts all that is mounted at or below the folders; what is in use goes when it no longer is. */
export async function unmountBelow(folders: readonly string[]): Promise<void> {
  const paths = mountPoints(await readMounts())
    .filter((path) => folders.some((each) => path === each || path.startsWith(`${each}/`)));
  if (paths.length === 0) return;
  await new Deno.Command("umount", { args: ["-l", ...paths], stderr: "null" }).output();
}
