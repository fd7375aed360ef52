import type { MountEntry } from "../../core/lib/linux/mount_table.ts";

/** Where a file lies for the kernel: the same for all mounts that show it. */
interface Place {
  device: string;
  path: string;
}

/**
 * The first of the protected paths that a pod would see, whole or in part, if `path` were mounted with all that is
 * mounted below it: one that is the same, lies below, or contains it, also when a bind mount shows it elsewhere.
 * `undefined`: none. All paths are real ones: without links and `..`.
 */
export function exposedBy(
  path: string,
  protectedPaths: readonly string[],
  mounts: readonly MountEntry[],
): string | undefined {
  const shown = [
    placeOf(path, mounts),
    ...mounts.filter((mount) => isWithin(mount.path, path) && mount.path !== path)
      .map(({ device, root }) => ({ device, path: root })),
  ];
  return protectedPaths.find((each) => {
    if (meet(path, each)) return true;
    const { device, path: place } = placeOf(each, mounts);
    return shown.some((other) => other.device === device && meet(other.path, place));
  });
}

/** Of mounts on top of each other, the last one is seen. */
function placeOf(path: string, mounts: readonly MountEntry[]): Place {
  let covering: MountEntry = { path: "/", device: "", root: "/" };
  for (const mount of mounts) {
    if (isWithin(path, mount.path) && mount.path.length >= covering.path.length) covering = mount;
  }
  const rest = path.slice(covering.path === "/" ? 0 : covering.path.length);
  return {
    device: covering.device,
    path: covering.root === "/" ? rest || "/" : covering.root + (rest === "/" ? "" : rest),
  };
}

function meet(a: string, b: string): boolean {
  return isWithin(a, b) || isWithin(b, a);
}

function isWithin(path: string, folder: string): boolean {
  return folder === "/" || path === folder || path.startsWith(`${folder}/`);
}
