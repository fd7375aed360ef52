import { type Mount, RuntimeError } from "../container_runtime.ts";
import { requiredMounts } from "./placement.ts";

/** A path that was made for a container and has to go with it. */
export interface MadePath {
  path: string;
  kind: "link" | "folder" | "file";
  /** Where a link points. */
  target?: string;
}

/** With a mount namespace: makes the paths that mounts are bound to, as container runtimes do. */
export async function makeMountPoints(mounts: readonly Mount[]): Promise<MadePath[]> {
  const made: MadePath[] = [];
  for (const mount of mounts) {
    if (await exists(mount.containerPath)) continue;
    const isFolder = (await Deno.stat(mount.hostPath).catch(missing(mount))).isDirectory;
    await makeParents(mount.containerPath, made);
    if (isFolder) await Deno.mkdir(mount.containerPath);
    else await Deno.writeFile(mount.containerPath, new Uint8Array());
    made.push({ path: mount.containerPath, kind: isFolder ? "folder" : "file" });
  }
  return made;
}

/**
 * Without one: shows each mount by a symbolic link where nothing is. Two containers that mount different
 * things at one path cannot run side by side, and nothing can be read-only: both need namespaces.
 */
export async function makeLinks(mounts: readonly Mount[]): Promise<MadePath[]> {
  const made: MadePath[] = [];
  for (const mount of requiredMounts(mounts)) {
    const { containerPath: path, hostPath: target } = mount;
    if (await Deno.readLink(path).catch(() => undefined) === target) continue;
    try {
      if (await exists(path)) throw new Error("the path is already there");
      await makeParents(path, made);
      await Deno.symlink(target, path);
    } catch (error) {
      await removeMade(made);
      throw new RuntimeError(
        "CreateContainerError",
        `Cannot mount "${target}" at "${path}": ${message(error)}; ` +
          "the process runtime shows volumes by symbolic links unless it runs as root",
      );
    }
    made.push({ path, kind: "link", target });
  }
  return made;
}

/** Removes what was made, unless somebody uses it: a link that points elsewhere, a folder that is not empty. */
export async function removeMade(made: readonly MadePath[]): Promise<void> {
  for (const { path, kind, target } of made.toReversed()) {
    if (kind === "link" && await Deno.readLink(path).catch(() => undefined) !== target) continue;
    if (kind === "file" && (await Deno.stat(path).catch(() => undefined))?.size !== 0) continue;
    await Deno.remove(path).catch(() => {}); // not empty, or gone
  }
}

async function makeParents(path: string, made: MadePath[]): Promise<void> {
  const parent = path.slice(0, path.lastIndexOf("/"));
  if (parent === "" || await exists(parent)) return;
  await makeParents(parent, made);
  await Deno.mkdir(parent);
  made.push({ path: parent, kind: "folder" });
}

async function exists(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, () => false);
}

function missing({ hostPath, containerPath }: Mount): (error: unknown) => never {
  return (error) => {
    throw new RuntimeError(
      "CreateContainerError",
      `Cannot mount "${hostPath}" at "${containerPath}": ${message(error)}`,
    );
  };
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
