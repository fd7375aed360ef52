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

/**
 * The protected path that `path` is, or lies in, also when a bind mount shows it elsewhere; `undefined`: none. It may contain
 * some: see {@linkcode shownPlaces}.
 */
export function coveringPath(
  path: string,
  protectedPaths: readonly string[],
  mounts: readonly MountEntry[],
): string | undefined {
  const own = placeOf(path, mounts);
  return protectedPaths.find((each) => {
    const place = placeOf(each, mounts);
    return isWithin(path, each) ||
      (place.device === own.device && isWithin(own.path, place.path));
  });
}

/**
 * Where a mount, and what is mounted below it, shows protected paths: paths at or below `target`, none below another.
 * `target` is where something is mounted.
 */
export function shownPlaces(
  target: string,
  protectedPaths: readonly string[],
  mounts: readonly MountEntry[],
): string[] {
  const shown = protectedPaths.flatMap((each) => {
    const { device, path } = placeOf(each, mounts);
    return mounts.filter((mount) => mount.device === device && isWithin(mount.path, target))
      .flatMap((mount) => {
        if (isWithin(mount.root, path)) return [mount.path];
        return isWithin(path, mount.root) ? [joined(mount.path, restOf(path, mount.root))] : [];
      });
  });
  const all = [...new Set(shown)];
  return all.filter((one) => !all.some((other) => other !== one && isWithin(one, other)));
}

/** `/` and what comes after the folder. */
function restOf(path: string, folder: string): string {
  return folder === "/" ? path : path.slice(folder.length) || "/";
}

function joined(folder: string, rest: string): string {
  return rest === "/" ? folder : `${folder === "/" ? "" : folder}${rest}`;
}

/** Of mounts on top of each other, the last one is seen. */
function placeOf(path: string, mounts: readonly MountEntry[]): Place {
  let covering: MountEntry = { path: "/", device: "", root: "/" };
  for (const mount of mounts) {
    if (isWithin(path, mount.path) && mount.path.length >= covering.path.length) covering = mount;
  }
  return { device: covering.device, path: joined(covering.root, restOf(path, covering.path)) };
}

function meet(a: string, b: string): boolean {
  return isWithin(a, b) || isWithin(b, a);
}

function isWithin(path: string, folder: string): boolean {
  return folder === "/" || path === folder || path.startsWith(`${folder}/`);
}
