import type { FileTree } from "../../core/lib/linux/file_tree.ts";
import { ERRNO, isErrno } from "../../core/lib/linux/libc.ts";
import { mountEntries, readMounts } from "../../core/lib/linux/mount_table.ts";
import type { Container } from "../../core/resources/core/pods/spec/containers.ts";
import { containersOf } from "../../core/resources/core/pods/spec/pod_containers.ts";
import type { Pod } from "../../core/resources/core/pods/pods.ts";
import { capabilitiesOf, DEFAULT_CAPABILITIES } from "../runtimes/container_capabilities.ts";
import { unmountAll } from "./memory_folder.ts";
import { shownPlaces } from "./protected_paths.ts";

/**
 * What a container may have and still be kept from uncovering a folder, or going around its mounts. `SYS_ADMIN` unmounts,
 * `DAC_READ_SEARCH` opens files by their handles, `SYS_PTRACE` goes by `/proc/1/root`, modules and raw devices do anything;
 * of what is not named here that may be true as well.
 */
const HARMLESS = new Set([
  ...DEFAULT_CAPABILITIES,
  ...["AUDIT_WRITE", "IPC_LOCK", "NET_ADMIN", "NET_BROADCAST", "NET_RAW"],
  ...["SYS_CHROOT", "SYS_NICE", "SYS_TIME"],
]);

/**
 * Covers all of protected paths that is seen at a mount of ours, `target`, and below it. Whoever sees it through this mount,
 * or a copy of it, sees empty folders. Resolves with whether there was anything; rejects when something changes meanwhile, or
 * the volume itself is protected.
 */
export async function conceal(
  target: string,
  protectedPaths: readonly string[],
  tree: FileTree,
): Promise<boolean> {
  if (protectedPaths.length === 0) return false;
  const places = shownPlaces(target, protectedPaths, mountEntries(await readMounts()));
  if (places.length === 0) return false;
  if (places.includes(target)) throw new Error("it is what only this node's agent may use");
  for (const place of places) {
    await unmountAll(place, tree); // what lies there is nobody's business either
  }
  using root = tree.hold(target);
  for (const place of places) cover(tree, root, target, place);
  return true;
}

function cover(
  tree: FileTree,
  root: ReturnType<FileTree["hold"]>,
  target: string,
  place: string,
): void {
  try {
    using held = tree.holdBelow(root, place.slice(target.length));
    if (Deno.readLinkSync(held.procPath) !== place) throw new Error(`"${place}" has been moved`);
    tree.cover(held, Deno.statSync(held.procPath).isDirectory ? "folder" : "file");
  } catch (error) {
    if (!isErrno(error, ERRNO.ENOENT)) throw error; // else nothing is there to be seen
  }
}

/**
 * Why a container may not see a volume in which something is covered: because it could uncover it. `undefined`: it may. In
 * words that follow the name of what is mounted.
 */
export function uncoveringFault(
  { name, securityContext = {}, volumeMounts = [] }: Container,
  volume: string,
): string | undefined {
  const mounts = volumeMounts.filter((mount) => mount.name === volume);
  if (mounts.length === 0) return undefined;
  const { privileged = false, capabilities = {} } = securityContext;
  const { of: base, added } = capabilitiesOf({
    privileged,
    ...(capabilities.add && { capabilitiesAdd: capabilities.add }),
    ...(capabilities.drop && { capabilitiesDrop: capabilities.drop }),
  });
  const dangerous = added.filter((each) => !HARMLESS.has(each));
  if (privileged) return `container "${name}" is privileged`;
  if (base === "all") return `container "${name}" has all capabilities`;
  if (dangerous.length > 0) return `container "${name}" has ${dangerous.join(", ")}`;
  const isPropagated = mounts.some(({ mountPropagation = "None" }) => mountPropagation !== "None");
  return isPropagated ? `container "${name}" asks for mount propagation` : undefined;
}

/** The first fault of a container that the pod began with; one for debugging that comes later is refused by itself. */
export function uncoveringFaultOf({ spec }: Pod, volume: string): string | undefined {
  return containersOf(spec).filter(({ role }) => role !== "ephemeral")
    .map(({ container }) => uncoveringFault(container, volume))
    .find((fault) => fault !== undefined);
}
