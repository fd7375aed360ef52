import { ifAbsent } from "../absent.ts";

/** A mount: a file system or a part of one. */
export interface MountEntry {
  /** The mount point. */
  path: string;
  /** The device of the file system, `major:minor`: the same for all mounts of one file system. */
  device: string;
  /** The folder of the file system that is mounted there. */
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
 * The mount table of this process, as text for {@linkcode mountEntries}; empty where the system has none. Rejects when it
 * cannot be read, for example because too many files are open: taking that for "nothing is mounted" would let a removal
 * delete what is mounted.
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

/** The kernel escapes spaces and other characters, such as `\040`. */
function unescaped(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, octal) => String.fromCharCode(parseInt(octal, 8)));
}

/** Unmounts everything at or below the folders; busy mounts are detached and end when no longer in use. */
export async function unmountBelow(folders: readonly string[]): Promise<void> {
  const paths = mountPoints(await readMounts())
    .filter((path) => folders.some((each) => path === each || path.startsWith(`${each}/`)));
  if (paths.length === 0) return;
  await new Deno.Command("umount", { args: ["-l", ...paths], stderr: "null" }).output();
}
