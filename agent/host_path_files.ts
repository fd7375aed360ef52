import { ifAbsent } from "../core/lib/absent.ts";
import type { Volume } from "../core/resources/pod_spec/volumes.ts";

type HostPathType = NonNullable<Volume["hostPath"]>["type"];

/**
 * Checks that what is at a path of the node is what a hostPath volume says, and makes it when it may. Throws the
 * kubelet's words (`pkg/volume/hostpath/host_path.go`).
 */
export async function checkHostPath(path: string, type: HostPathType): Promise<void> {
  if (!path.startsWith("/") || path.split("/").includes("..")) {
    throw new Error(`hostPath type check failed: ${path} is not an absolute path without ".."`);
  }
  if (type === "") return await makeDirectory(path); // no check; runtimes make what is missing
  if (type === "DirectoryOrCreate") await makeDirectory(path);
  if (type === "FileOrCreate") await makeFile(path);
  const info = await Deno.stat(path).catch(ifAbsent);
  const [holds, words] = verdictOf(info, type);
  if (!holds) throw new Error(`hostPath type check failed: ${path} is not ${words}`);
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

async function makeDirectory(path: string): Promise<void> {
  if (await Deno.stat(path).catch(ifAbsent) === undefined) {
    await Deno.mkdir(path, { recursive: true, mode: 0o755 });
  }
}

async function makeFile(path: string): Promise<void> {
  if (await Deno.stat(path).catch(ifAbsent) !== undefined) return;
  await Deno.writeFile(path, new Uint8Array(), { createNew: true, mode: 0o644 });
}
