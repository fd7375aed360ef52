/**
 * Puts a file system in memory over a folder. Where that is not allowed (no root), the folder stays on the disk:
 * its content lives as long, only slower. Doing it twice is doing it once.
 */
export async function mountMemory(folder: string, bytesMax: number | undefined): Promise<void> {
  if ((await mountsBelow(folder)).includes(folder)) return;
  const options = bytesMax === undefined ? "mode=777" : `mode=777,size=${bytesMax}`;
  await run("mount", ["-t", "tmpfs", "-o", options, "tmpfs", folder]);
}

/** Takes away all that is mounted at or below a folder, so that its files can be removed. */
export async function unmountAll(folder: string): Promise<void> {
  const mounts = await mountsBelow(folder);
  for (const mount of mounts.reverse()) await run("umount", ["-l", mount]);
}

async function mountsBelow(folder: string): Promise<string[]> {
  let text: string;
  try {
    text = await Deno.readTextFile("/proc/self/mounts");
  } catch {
    return []; // not Linux, or not readable: then nothing was mounted either
  }
  return text.split("\n").map((line) => unescaped(line.split(" ")[1] ?? ""))
    .filter((path) => path === folder || path.startsWith(`${folder}/`));
}

/** The kernel writes spaces and such as `\040`. */
function unescaped(path: string): string {
  return path.replace(
    /\\([0-7]{3})/g,
    (_, octal: string) => String.fromCharCode(parseInt(octal, 8)),
  );
}

async function run(command: string, args: string[]): Promise<boolean> {
  try {
    const { success } = await new Deno.Command(command, {
      args,
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).output();
    return success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.PermissionDenied) {
      return false;
    }
    throw error;
  }
}
