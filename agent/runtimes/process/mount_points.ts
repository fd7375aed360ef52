import { messageOf } from "../../../core/lib/error_message.ts";
import { type Mount, RuntimeError } from "../container_runtime.ts";
import { Slots } from "../../../core/lib/slots.ts";
import { requiredMounts } from "./placement.ts";

/** A path that was made for a container and has to go with it. */
export interface MadePath {
  path: string;
  kind: "link" | "folder" | "file";
  /** Where a link points. */
  target?: string;
}

type MadeBy = ReadonlyMap<string, readonly MadePath[]>;

/**
 * The paths that the mounts of containers need: made for the first container that needs one, and removed with the
 * last. Replicas mount at the same paths, and taking one away would take the mount of another with it.
 */
export class MountPoints {
  readonly #isPrivileged: boolean;
  /** What was made for each container, by its id. Loaded once. */
  readonly #madeBy: () => Promise<Map<string, readonly MadePath[]>>;
  #loaded: Promise<Map<string, readonly MadePath[]>> | undefined;
  readonly #turn = new Slots(1);

  /** `isPrivileged`: containers have mount namespaces. `load`: what was made before, by the container's id. */
  constructor({ isPrivileged, load }: { isPrivileged: boolean; load: () => Promise<MadeBy> }) {
    this.#isPrivileged = isPrivileged;
    this.#madeBy = () => this.#loaded ??= load().then((madeBy) => new Map(madeBy));
  }

  /** Makes what is missing, and has it written down before another container is looked at. */
  async make(
    id: string,
    mounts: readonly Mount[],
    write: (made: readonly MadePath[]) => Promise<void>,
  ): Promise<void> {
    await this.#turn.use(async () => {
      const madeBy = await this.#madeBy();
      const others = byPath(madeBy, id);
      const made = await (this.#isPrivileged ? makeMountPoints : makeLinks)(mounts, others);
      madeBy.set(id, made);
      await write(made);
    });
  }

  /** Removes what was made for a container and no other needs. */
  async remove(id: string): Promise<void> {
    await this.#turn.use(async () => {
      const madeBy = await this.#madeBy();
      const others = byPath(madeBy, id);
      await removeMade((madeBy.get(id) ?? []).filter(({ path }) => !others.has(path)));
      madeBy.delete(id);
    });
  }
}

type MadePaths = ReadonlyMap<string, MadePath>;

/** What was made for all containers but one. */
function byPath(madeBy: MadeBy, exceptId: string): MadePaths {
  const others = [...madeBy].filter(([id]) => id !== exceptId);
  return new Map(others.flatMap(([_, made]) => made.map((each) => [each.path, each] as const)));
}

/** A path and the folders it is in, as far as they were made for another container: this one needs them too. */
function shared(path: string, others: MadePaths): MadePath[] {
  return [...others.values()].filter((other) =>
    path === other.path || path.startsWith(`${other.path}/`)
  ).sort((a, b) => a.path.length - b.path.length);
}

/** With a mount namespace: makes the paths that mounts are bound to, as container runtimes do. */
async function makeMountPoints(
  mounts: readonly Mount[],
  others: MadePaths,
): Promise<MadePath[]> {
  const made: MadePath[] = [];
  for (const mount of mounts) {
    made.push(...shared(mount.containerPath, others));
    if (await exists(mount.containerPath)) continue;
    const isFolder = (await Deno.stat(mount.hostPath).catch(missing(mount))).isDirectory;
    await makeParents(mount.containerPath, made);
    if (isFolder) await makeFolder(mount.containerPath);
    else await Deno.writeFile(mount.containerPath, new Uint8Array());
    made.push({ path: mount.containerPath, kind: isFolder ? "folder" : "file" });
  }
  return made;
}

/**
 * Without one: shows each mount by a symbolic link where nothing is. Two containers that mount different
 * things at one path cannot run side by side, and nothing can be read-only: both need namespaces.
 */
export async function makeLinks(
  mounts: readonly Mount[],
  others: MadePaths = new Map(),
): Promise<MadePath[]> {
  const made: MadePath[] = [];
  for (const mount of requiredMounts(mounts)) {
    const { containerPath: path, hostPath: target } = mount;
    if (await Deno.readLink(path).catch(() => undefined) === target) {
      made.push(...shared(path, others));
      continue;
    }
    try {
      if (await exists(path)) throw new Error("the path is already there");
      await makeParents(path, made);
      await Deno.symlink(target, path);
    } catch (error) {
      await removeMade(made);
      throw new RuntimeError(
        "CreateContainerError",
        `Cannot mount "${target}" at "${path}": ${messageOf(error)}; ` +
          "the process runtime shows volumes by symbolic links unless it runs as root",
      );
    }
    made.push({ path, kind: "link", target });
  }
  return made;
}

/** Removes what was made, unless it is in use: a link that points elsewhere, a folder that is not empty. */
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
  await makeFolder(parent);
  made.push({ path: parent, kind: "folder" });
}

/** Processes of other users pass through it, whatever the umask is. */
async function makeFolder(path: string): Promise<void> {
  await Deno.mkdir(path);
  await Deno.chmod(path, 0o755);
}

async function exists(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, () => false);
}

function missing({ hostPath, containerPath }: Mount): (error: unknown) => never {
  return (error) => {
    throw new RuntimeError(
      "CreateContainerError",
      `Cannot mount "${hostPath}" at "${containerPath}": ${messageOf(error)}`,
    );
  };
}
