import { ifAbsent } from "../../core/lib/absent.ts";
import { isEqual } from "../../core/lib/equality.ts";

/** One file of a volume. `path` is relative, may have folders, and stays inside. */
export interface VolumeFile {
  path: string;
  bytes: Uint8Array;
  /** Permission bits. */
  mode: number;
  /** The group that it belongs to; this process's when absent. */
  groupId?: number;
  /** The user that it belongs to; this process's when absent. */
  userId?: number;
}

/** Name of the link that all changes go through. */
const DATA = "..data";

/**
 * Writes files to `folder` so that a reader sees all of the old or all of the new: the files lie in a folder with
 * a time in its name, `..data` points at it and is swapped by a rename, and each name points through `..data`.
 * Nothing is written when the files are as they were.
 *
 * Source: k8s.io/kubernetes/pkg/volume/util/atomic_writer.go.
 */
export async function writeFilesAtomically(
  folder: string,
  files: readonly VolumeFile[],
  nowMs: number,
): Promise<void> {
  const faulty = files.find(({ path }) => !isInside(path));
  if (faulty) {
    throw new Error(`invalid path "${faulty.path}": it must be relative and without ".."`);
  }
  await Deno.mkdir(folder, { recursive: true });
  const old = await Deno.readLink(`${folder}/${DATA}`).catch(ifAbsent);
  const isShown = old !== undefined && await shows(`${folder}/${old}`, files);
  if (isShown) return await linkNames(folder, files); // an agent that was killed may not have got that far
  const fresh = `..${new Date(nowMs).toISOString().replace(/[-:T]/g, "_").replace("Z", "")}`;
  const stamp = await unusedName(folder, fresh);
  for (const file of files) await writeFile(`${folder}/${stamp}/${file.path}`, file);
  await openToReaders(`${folder}/${stamp}`);
  await Deno.remove(`${folder}/${DATA}_tmp`).catch(ifAbsent);
  await Deno.symlink(stamp, `${folder}/${DATA}_tmp`);
  await Deno.rename(`${folder}/${DATA}_tmp`, `${folder}/${DATA}`);
  await linkNames(folder, files);
  if (old !== undefined) await Deno.remove(`${folder}/${old}`, { recursive: true });
}

/** Writes a file of its own as a whole, readable by all. */
export async function writeTextFile(path: string, text: string): Promise<void> {
  await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
  await Deno.writeTextFile(path, text);
  await Deno.chmod(path, 0o644);
}

/** Whether a path of a manifest stays inside the folder that it is relative to. */
export function isInside(path: string): boolean {
  const parts = path.split("/");
  return path !== "" && !path.startsWith("/") && !parts.includes("..") &&
    !parts[0]!.startsWith("..");
}

async function writeFile(
  path: string,
  { bytes, mode, groupId, userId }: VolumeFile,
): Promise<void> {
  await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
  await Deno.writeFile(path, bytes);
  if (groupId !== undefined || userId !== undefined) {
    await Deno.chown(path, userId ?? null, groupId ?? null);
  }
  await Deno.chmod(path, mode);
}

/** Gives folders the modes that the kubelet gives them, whatever the umask is. */
async function openToReaders(folder: string): Promise<void> {
  await Deno.chmod(folder, 0o755);
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) await openToReaders(`${folder}/${name}`);
  }
}

/** Makes the names that readers see, and removes those that are gone. */
async function linkNames(folder: string, files: readonly VolumeFile[]): Promise<void> {
  const wanted = new Set(files.map(({ path }) => path.split("/")[0]!));
  for await (const { name } of Deno.readDir(folder)) {
    if (name.startsWith("..")) continue;
    if (!wanted.delete(name)) await Deno.remove(`${folder}/${name}`, { recursive: true });
  }
  for (const name of wanted) await Deno.symlink(`${DATA}/${name}`, `${folder}/${name}`);
}

async function shows(folder: string, files: readonly VolumeFile[]): Promise<boolean> {
  const found = await filesBelow(folder);
  if (!isEqual(found.map(({ path }) => path).sort(), files.map(({ path }) => path).sort())) {
    return false;
  }
  for (const { path, bytes, mode } of files) {
    if (found.find((file) => file.path === path)?.mode !== mode) return false;
    const there = await Deno.readFile(`${folder}/${path}`);
    if (there.length !== bytes.length || there.some((byte, i) => byte !== bytes[i])) return false;
  }
  return true;
}

async function filesBelow(
  folder: string,
  prefix = "",
): Promise<{ path: string; mode: number }[]> {
  const found: { path: string; mode: number }[] = [];
  try {
    for await (const entry of Deno.readDir(folder)) {
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory) found.push(...await filesBelow(path, `${prefix}${entry.name}/`));
      else {
        const { mode } = await Deno.stat(path);
        found.push({ path: prefix + entry.name, mode: (mode ?? 0) & 0o777 });
      }
    }
  } catch (error) {
    ifAbsent(error);
  }
  return found;
}

async function unusedName(folder: string, base: string): Promise<string> {
  for (let attempt = 0;; attempt++) {
    const name = attempt === 0 ? base : `${base}-${attempt}`;
    try {
      await Deno.mkdir(`${folder}/${name}`);
      return name;
    } catch (error) {
      if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    }
  }
}
