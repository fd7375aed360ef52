import { CommandError } from "../../server/command_error.ts";
import { isGzip } from "./image_archive.ts";
import type { Readable } from "./tar_index.ts";

/** An archive of images, open for reading at any place. */
export interface ImageSource extends Readable, AsyncDisposable {
  path: string;
}

/**
 * The archive of a path, which may be compressed by gzip; else, of the name of an image, what this machine's Podman or Docker
 * has. Throws a {@linkcode CommandError}.
 */
export async function openImageSource(from: string): Promise<ImageSource> {
  const info = await Deno.stat(from).catch(() => undefined);
  if (info?.isFile) return await opened(from, []);
  if (/[\\/]$|\.(?:tar|tgz|gz)$/.test(from) || info !== undefined) {
    throw new CommandError(`Cannot read "${from}": it is no file`);
  }
  const path = await Deno.makeTempFile({ prefix: "coracle-image-" });
  await saved(from, path).catch(async (error) => {
    await Deno.remove(path);
    throw error;
  });
  return await opened(path, [path]);
}

async function opened(path: string, temporary: string[]): Promise<ImageSource> {
  let file = await Deno.open(path);
  if (isGzip(await readAt(file, 0, 2))) {
    const plain = await Deno.makeTempFile({ prefix: "coracle-image-" });
    temporary.push(plain);
    await file.seek(0, Deno.SeekMode.Start);
    const target = await Deno.open(plain, { write: true });
    await file.readable.pipeThrough(new DecompressionStream("gzip")).pipeTo(target.writable);
    file = await Deno.open(plain);
  }
  return {
    path,
    read: (start, length) => readAt(file, start, length),
    async [Symbol.asyncDispose]() {
      file.close();
      for (const one of temporary) await Deno.remove(one);
    },
  };
}

async function readAt(file: Deno.FsFile, start: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  await file.seek(start, Deno.SeekMode.Start);
  let used = 0;
  while (used < length) {
    const read = await file.read(bytes.subarray(used));
    if (read === null) break;
    used += read;
  }
  return bytes.subarray(0, used);
}

/** What saves images of a machine to an archive. */
const PROGRAMS: readonly (readonly string[])[] = [
  ["podman", "save", "--quiet", "--format", "oci-archive", "--output"],
  ["docker", "save", "--output"],
];

async function saved(name: string, path: string): Promise<void> {
  const causes: string[] = [];
  for (const [program, ...args] of PROGRAMS) {
    try {
      await Deno.remove(path).catch(() => {}); // Podman does not write over a file
      const command = new Deno.Command(program!, { args: [...args, path, name], stdout: "null" });
      const { success, stderr } = await command.output();
      if (success) return;
      causes.push(`${program}: ${new TextDecoder().decode(stderr).trim().slice(-500)}`);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      causes.push(`${program} is not installed`);
    }
  }
  throw new CommandError(
    `Cannot find "${name}": it is no file, and no image of this machine (${causes.join("; ")})`,
  );
}
