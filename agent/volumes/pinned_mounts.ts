import { ifAbsent } from "../../core/lib/absent.ts";
import type { FileTree, HeldFile, Propagation } from "../../core/lib/linux/file_tree.ts";
import type { Container, VolumeMount } from "../../core/resources/core/pods/spec/containers.ts";
import { isInside } from "./atomic_files.ts";
import { ConfigError } from "../runtimes/config_error.ts";
import { conceal, uncoveringFault } from "./concealment.ts";
import { expand } from "./expansion.ts";
import { unmountAll } from "./memory_folder.ts";

/** Where a volume is on the node. */
export interface VolumePlace {
  root: string;
  /** Holds the volume when others than the agent can change the path to it. */
  hold?(tree: FileTree): Promise<HeldFile>;
  /** Whether pods write to it: then they can swap what is in it at any time. */
  isWrittenByPods: boolean;
  /** Real paths of the node that are covered where the volume shows them; absent: it shows none. */
  covered?: readonly string[];
}

/** For whom a mount is made. */
interface Mounter {
  container: Container;
  /** Its environment, for `subPathExpr`. */
  variables: Readonly<Record<string, string>>;
}

/**
 * The mounts that a container is about to get from places that pods can change: each is bound, from the descriptor of
 * what was checked, to a folder or file that only the agent can reach. Needed until the container has its own mounts.
 *
 * Source: the kubelet's `doBindSubPath` (`pkg/volume/util/subpath/subpath_linux.go`), which does so for subPaths.
 */
export class PinnedMounts {
  readonly #folder: string;
  readonly #tree: FileTree | undefined;
  #count = 0;

  /** `folder` is the container's own. */
  constructor(folder: string, tree: FileTree | undefined) {
    this.#folder = folder;
    this.#tree = tree;
  }

  /** The path that the runtime is to mount. Throws {@linkcode ConfigError}. */
  async pathOf(place: VolumePlace, mount: VolumeMount, mounter: Mounter): Promise<string> {
    const { name, subPath, subPathExpr, recursiveReadOnly = "Disabled" } = mount;
    const isReadOnlyBelow = recursiveReadOnly !== "Disabled";
    const path = subPathExpr ? expand(subPathExpr, mounter.variables) : subPath ?? "";
    const subject = path === ""
      ? `failed to prepare volumeMount "${name}" of container "${mounter.container.name}"`
      : `failed to prepare subPath for volumeMount "${name}" of container "${mounter.container.name}"`;
    try {
      if (path === "" && place.hold === undefined && !isReadOnlyBelow) return place.root;
      if (path !== "" && !isInside(path)) throw new Error(`"${path}" leads out of its folder`);
      if (this.#tree !== undefined) {
        const target = await this.#pin(place, path, this.#tree, propagationOf(mount));
        await this.#conceal(place, target, { tree: this.#tree, mount, mounter });
        if (!isReadOnlyBelow || this.#tree.makeReadOnly(target)) return target;
      }
      if (recursiveReadOnly === "Enabled") {
        throw new Error(
          `failed to resolve recursive read-only mode: volume "${name}" requested recursive read-only mode, ` +
            "but it is not supported by the runtime",
        );
      }
      return path === "" ? place.root : await pathByName(place, path);
    } catch (error) {
      throw new ConfigError(`${subject}: ${error instanceof Error ? error.message : error}`);
    }
  }

  /** Covers what nobody may see of the volume. A container that could uncover it must not get it. */
  async #conceal(
    { covered = [] }: VolumePlace,
    target: string,
    { tree, mount, mounter }: { tree: FileTree; mount: VolumeMount; mounter: Mounter },
  ): Promise<void> {
    try {
      const isCovered = await conceal(target, covered, tree);
      const fault = isCovered ? uncoveringFault(mounter.container, mount.name) : undefined;
      if (fault) throw new Error(`it shows what only this node's agent may use: ${fault}`);
    } catch (error) {
      await unmountAll(target, tree);
      throw error;
    }
  }

  /** Releases all that was pinned. May be repeated. */
  async release(): Promise<void> {
    if (await Deno.lstat(this.#folder).catch(ifAbsent) === undefined) return;
    await unmountAll(this.#folder, this.#tree);
    await Deno.remove(this.#folder, { recursive: true }).catch(ifAbsent);
  }

  async #pin(
    place: VolumePlace,
    path: string,
    tree: FileTree,
    propagation: Propagation,
  ): Promise<string> {
    using root = await place.hold?.(tree) ?? tree.hold(place.root);
    if (path === "") return await this.#bind(root, tree, propagation); // a hostPath may be a file
    const { mode } = await Deno.stat(root.procPath);
    const missing = { folderMode: (mode ?? 0) & 0o777 }; // as open as the volume
    using held = tree.holdBelow(root, path, { missing });
    return await this.#bind(held, tree, propagation);
  }

  async #bind(held: HeldFile, tree: FileTree, propagation: Propagation): Promise<string> {
    const { isDirectory } = await Deno.stat(held.procPath);
    const target = `${this.#folder}/${this.#count++}`;
    await Deno.mkdir(this.#folder, { recursive: true, mode: 0o700 });
    if (isDirectory) await Deno.mkdir(target, { mode: 0o700 });
    else await Deno.writeFile(target, new Uint8Array(), { createNew: true, mode: 0o600 });
    tree.bind(held, target, propagation);
    return target;
  }
}

/** Kubernetes' words for it: https://kubernetes.io/docs/concepts/storage/volumes/#mount-propagation */
export function propagationOf({ mountPropagation }: VolumeMount): Propagation {
  switch (mountPropagation) {
    case "HostToContainer":
      return "slave";
    case "Bidirectional":
      return "shared";
    default:
      return "private";
  }
}

/** Without descriptors a path can be trusted only where no pod can change it. */
async function pathByName({ root, isWrittenByPods }: VolumePlace, path: string): Promise<string> {
  if (isWrittenByPods) {
    throw new Error(
      "a pod could swap it for a link to anything on the node, and only root on Linux with glibc can prevent that; " +
        "run the agent as root, or mount the whole volume",
    );
  }
  const [realRoot, place] = await Promise.all(
    [root, `${root}/${path}`].map((each) => Deno.realPath(each)),
  );
  if (!place!.startsWith(`${realRoot}/`)) throw new Error(`"${path}" leads out of its folder`);
  return place!;
}
