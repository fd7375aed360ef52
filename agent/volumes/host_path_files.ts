import { ifAbsent } from "../../core/lib/absent.ts";
import type { FileTree, HeldFile, Missing } from "../../core/lib/linux/file_tree.ts";
import { ERRNO, isErrno } from "../../core/lib/linux/libc.ts";
import { mountEntries, readMounts } from "../../core/lib/linux/mount_table.ts";
import type { Volume } from "../../core/resources/core/pods/spec/volumes.ts";
import { coveringPath, exposedBy } from "./protected_paths.ts";

type HostPath = NonNullable<Volume["hostPath"]>;
type HostPathType = HostPath["type"];

/** Modes of what is made, as the kubelet's. */
const FOLDER_MODE = 0o755;
const FILE_MODE = 0o644;

/** Which paths no pod may see, and whether a path may contain some: then they are covered where it is mounted. */
export interface Protection {
  readonly protectedPaths: readonly string[];
  /** Why what is covered could be uncovered; absent: it cannot. */
  readonly fault?: string | undefined;
  readonly mayContain: boolean;
}

/**
 * Holds what is at a path of the node, made when it may be, after it was checked to be what the volume says, and to
 * show nothing of the protected paths. Throws the kubelet's words (`pkg/volume/hostpath/host_path.go`).
 */
export async function holdHostPath(
  { path, type }: HostPath,
  { protectedPaths, mayContain, fault: uncovers }: Protection,
  tree: FileTree,
): Promise<HeldFile> {
  checkForm(path);
  await Deno.stat(path).catch(() => {}); // a file system that hangs blocks this call, not the thread
  const mounts = mountEntries(await readMounts());
  const check = (folder: HeldFile, name: string) => {
    const made = `${Deno.readLinkSync(folder.procPath)}/${name}`;
    refuseExposure(path, exposedBy(made, protectedPaths, mounts));
  };
  using root = tree.hold("/");
  const held = holdFrom(root, { path, type }, { ...missingOf(type), check }, tree);
  try {
    const real = await Deno.readLink(held.procPath);
    const isAllowed = mayContain && uncovers === undefined;
    const exposed = isAllowed ? coveringPath : exposedBy;
    refuseExposure(path, exposed(real, protectedPaths, mounts), uncovers);
    const fault = wrongType(path, await Deno.stat(held.procPath), type);
    if (fault !== undefined) throw fault;
    return held;
  } catch (error) {
    held[Symbol.dispose]();
    throw error;
  }
}

/**
 * The same by the path's name, for agents that cannot hold files open by descriptors: only their own user can swap
 * anything.
 */
export async function checkHostPath(
  { path, type }: HostPath,
  protectedPaths: readonly string[],
): Promise<void> {
  checkForm(path);
  const real = await realPathOf(path);
  refuseExposure(path, exposedBy(real, protectedPaths, mountEntries(await readMounts())));
  const { folderMode, fileMode } = missingOf(type);
  if (await Deno.stat(path).catch(ifAbsent) === undefined) {
    if (folderMode !== undefined) await Deno.mkdir(path, { recursive: true });
    if (fileMode !== undefined) await Deno.writeFile(path, new Uint8Array(), { createNew: true });
    const mode = folderMode ?? fileMode;
    if (mode !== undefined) await Deno.chmod(path, mode); // whatever the umask is
  }
  const fault = wrongType(path, await Deno.stat(path).catch(ifAbsent), type);
  if (fault !== undefined) throw fault;
}

function checkForm(path: string): void {
  if (!path.startsWith("/") || path.split("/").includes("..")) {
    throw new Error(`hostPath type check failed: ${path} is not an absolute path without ".."`);
  }
}

function holdFrom(
  root: HeldFile,
  { path, type }: HostPath,
  missing: Missing,
  tree: FileTree,
): HeldFile {
  try {
    return tree.holdBelow(root, path, { isRoot: true, missing });
  } catch (error) {
    throw isErrno(error, ERRNO.ENOENT) ? wrongType(path, undefined, type) ?? error : error;
  }
}

function missingOf(type: HostPathType): Pick<Missing, "folderMode" | "fileMode"> {
  switch (type) {
    case "": // no check; runtimes make what is missing
    case "DirectoryOrCreate":
      return { folderMode: FOLDER_MODE };
    case "FileOrCreate":
      return { fileMode: FILE_MODE };
    default:
      return {};
  }
}

function refuseExposure(path: string, exposed: string | undefined, uncovers?: string): void {
  if (exposed === undefined) return;
  const why = uncovers === undefined ? "" : `, and cannot be kept from seeing it: ${uncovers}`;
  throw new Error(
    `hostPath refused: ${path} shows ${exposed}, which only this node's agent may use${why}; ` +
      "mount a path that neither contains it nor lies in it",
  );
}

function wrongType(
  path: string,
  info: Deno.FileInfo | undefined,
  type: HostPathType,
): Error | undefined {
  if (type === "") return undefined;
  const [holds, words] = verdictOf(info, type);
  return holds ? undefined : new Error(`hostPath type check failed: ${path} is not ${words}`);
}

function verdictOf(
  info: Deno.FileInfo | undefined,
  type: Exclude<HostPathType, "">,
): [holds: boolean, words: string] {
  switch (type) {
    case "Directory":
    case "DirectoryOrCreate":
      return [info?.isDirectory ?? false, "a directory"];
    case "File":
    case "FileOrCreate":
      return [info?.isFile ?? false, "a file"];
    case "Socket":
      return [info?.isSocket ?? false, "a socket file"];
    case "CharDevice":
      return [info?.isCharDevice ?? false, "a character device"];
    case "BlockDevice":
      return [info?.isBlockDevice ?? false, "a block device"];
  }
}

/** Where a path leads; of what is not there, where it would be made. */
async function realPathOf(path: string): Promise<string> {
  const real = await Deno.realPath(path).catch(ifAbsent);
  if (real !== undefined || path === "/") return real ?? path;
  const end = path.replace(/\/+$/, "").lastIndexOf("/");
  const parent = await realPathOf(path.slice(0, end) || "/");
  return `${parent === "/" ? "" : parent}${path.slice(end).replace(/\/+$/, "")}`;
}
