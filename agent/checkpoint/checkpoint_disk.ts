import { ifAbsent } from "../../core/lib/absent.ts";

/** Where the files of a checkpoint are. What has resolved survives a loss of power. */
export interface CheckpointDisk {
  /** Names of all files. */
  names(): Promise<readonly string[]>;
  read(name: string): Promise<Uint8Array>;
  /** Makes a file with this content, in the place of one with its name: it is there whole, or not at all. */
  replace(name: string, bytes: Uint8Array): Promise<void>;
  /** Writes at an offset, and cuts off what was there; may leave a part of it. */
  append(name: string, bytes: Uint8Array, offset: number): Promise<void>;
  remove(name: string): Promise<void>;
}

/** Ends the names of files that are being made. */
const UNFINISHED = ".new";

/** A folder that only this process' user can read. */
export class CheckpointFolder implements CheckpointDisk {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Makes the folder if there is none, and removes what was not finished. */
  static async open(folder: string): Promise<CheckpointFolder> {
    await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
    const disk = new CheckpointFolder(folder);
    const unfinished = (await disk.#all()).filter((name) => name.endsWith(UNFINISHED));
    await Promise.all(unfinished.map((name) => disk.remove(name)));
    return disk;
  }

  async names(): Promise<readonly string[]> {
    return (await this.#all()).filter((name) => !name.endsWith(UNFINISHED));
  }

  read(name: string): Promise<Uint8Array> {
    return Deno.readFile(this.#pathOf(name));
  }

  async replace(name: string, bytes: Uint8Array): Promise<void> {
    const path = this.#pathOf(name);
    {
      const options = { write: true, create: true, truncate: true, mode: 0o600 };
      using file = await Deno.open(path + UNFINISHED, options);
      await writeAll(file, bytes);
      await file.sync();
    }
    await Deno.rename(path + UNFINISHED, path);
    using folder = await Deno.open(this.#folder);
    await folder.sync();
  }

  async append(name: string, bytes: Uint8Array, offset: number): Promise<void> {
    using file = await Deno.open(this.#pathOf(name), { write: true });
    await file.truncate(offset);
    await file.seek(offset, Deno.SeekMode.Start);
    await writeAll(file, bytes);
    await file.syncData();
  }

  async remove(name: string): Promise<void> {
    await Deno.remove(this.#pathOf(name)).catch(ifAbsent);
  }

  async #all(): Promise<string[]> {
    return (await Array.fromAsync(Deno.readDir(this.#folder))).map(({ name }) => name);
  }

  #pathOf(name: string): string {
    return `${this.#folder}/${name}`;
  }
}

async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
}
