import { statfs } from "node:fs/promises";

/** Whether a file system can be mounted here. */
export const canMount = Deno.uid() === 0 && Deno.build.os === "linux" && await isAllowed();

/** Suffix for the names of tests that are skipped. */
export const MOUNT_NEEDED = canMount ? "" : " (needs root, to mount a tmpfs)";

/** A file system of its own in memory, that can be filled and emptied. */
export class SmallDisk {
  readonly folder: string;
  #bytes: number;

  private constructor(folder: string, bytes: number) {
    this.folder = folder;
    this.#bytes = bytes;
  }

  /** Mounts one of `bytes`, runs `body`, and unmounts it, also when `body` throws. */
  static async with(bytes: number, body: (disk: SmallDisk) => Promise<void>): Promise<void> {
    const folder = await Deno.makeTempDir({ prefix: "coracle-disk-" });
    try {
      await run("mount", ["-t", "tmpfs", "-o", `size=${bytes},mode=0700`, "tmpfs", folder]);
      try {
        await body(new SmallDisk(folder, bytes));
      } finally {
        await run("umount", ["--lazy", folder]);
      }
    } finally {
      await Deno.remove(folder);
    }
  }

  /** Fills all the room that is free now, but not what others release meanwhile. */
  async fill(): Promise<void> {
    using file = await Deno.open(this.#filler, { create: true, append: true });
    const { bavail, bsize } = await statfs(this.folder);
    await writeUntilFull(file, bavail * bsize);
  }

  /** Whether a file is there. */
  async has(name: string): Promise<boolean> {
    return await Deno.stat(`${this.folder}/${name}`).then(() => true, () => false);
  }

  async makeRoom(): Promise<void> {
    await Deno.remove(this.#filler);
  }

  /** Doubles it. */
  async grow(): Promise<void> {
    this.#bytes *= 2;
    await run("mount", ["-o", `remount,size=${this.#bytes}`, this.folder]);
  }

  get #filler(): string {
    return `${this.folder}/filler`;
  }
}

/** At most so many bytes. */
async function writeUntilFull(file: Deno.FsFile, bytes: number): Promise<void> {
  const chunk = new Uint8Array(64 * 1024);
  try {
    for (let left = bytes; left > 0;) left -= await file.write(chunk.subarray(0, left));
  } catch (error) {
    if (!String(error).includes("No space left")) throw error; // others were faster
  }
}

async function isAllowed(): Promise<boolean> {
  const folder = await Deno.makeTempDir({ prefix: "coracle-disk-" });
  try {
    await run("mount", ["-t", "tmpfs", "tmpfs", folder]);
    await run("umount", [folder]);
    return true;
  } catch {
    return false; // a container without CAP_SYS_ADMIN
  } finally {
    await Deno.remove(folder);
  }
}

async function run(program: string, args: readonly string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(program, { args: [...args] }).output();
  if (!success) throw new Error(`Cannot ${program}: ${new TextDecoder().decode(stderr)}`);
}
