import { ifAbsent } from "../../lib/absent.ts";
import type { Clock } from "../../lib/clock.ts";

export interface RotationLimits {
  /** A file that would become larger is put aside. */
  bytesMax: number;
  /** How many old files are kept; 0: all. */
  backupsMax: number;
  /** How long old files are kept; 0: for ever. */
  ageMsMax: number;
}

/** Standard output, as the path of a log. */
export const STANDARD_OUTPUT = "-";
const FILE_MODE = 0o600;

/**
 * A file that only grows, up to a size; old ones lie beside it as `NAME-2026-01-01T00-00-00.000.EXT`, as kube-apiserver
 * has them. Readable by its owner only.
 */
export class RotatingFile {
  readonly #path: string;
  readonly #limits: RotationLimits;
  readonly #clock: Pick<Clock, "now">;
  #file: Deno.FsFile | undefined;
  #bytes = 0;

  constructor(path: string, limits: RotationLimits, clock: Pick<Clock, "now">) {
    this.#path = path;
    this.#limits = limits;
    this.#clock = clock;
  }

  /** Throws when it cannot be written; the next call tries again. */
  async append(bytes: Uint8Array): Promise<void> {
    if (this.#path === STANDARD_OUTPUT) return await writeAll(Deno.stdout, bytes);
    if (!this.#file) await this.#open();
    if (this.#bytes > 0 && this.#bytes + bytes.length > this.#limits.bytesMax) await this.#rotate();
    try {
      await writeAll(this.#file!, bytes);
      this.#bytes += bytes.length;
    } catch (error) {
      this.close(); // how much of it was written is unknown
      throw error;
    }
  }

  close(): void {
    this.#file?.close();
    this.#file = undefined;
  }

  async #open(): Promise<void> {
    const file = await Deno.open(this.#path, { append: true, create: true, mode: FILE_MODE });
    try {
      await Deno.chmod(this.#path, FILE_MODE);
      this.#bytes = (await file.stat()).size;
      this.#file = file;
    } finally {
      if (this.#file !== file) file.close();
    }
  }

  async #rotate(): Promise<void> {
    this.close();
    const { folder, stem, extension } = partsOf(this.#path);
    const time = new Date(this.#clock.now()).toISOString().slice(0, -1).replaceAll(":", "-");
    await Deno.rename(this.#path, `${folder}/${stem}-${time}${extension}`);
    await this.#open();
    await this.#removeOld();
  }

  async #removeOld(): Promise<void> {
    const { folder, stem, extension } = partsOf(this.#path);
    const names: string[] = [];
    for await (const { name } of Deno.readDir(folder)) {
      if (timeOf(name, stem, extension) !== undefined) names.push(name);
    }
    const { backupsMax, ageMsMax } = this.#limits;
    const now = this.#clock.now();
    const newestFirst = names.sort().reverse();
    const old = newestFirst.filter((name, i) =>
      backupsMax > 0 && i >= backupsMax ||
      ageMsMax > 0 && now - timeOf(name, stem, extension)! > ageMsMax
    );
    for (const name of old) await Deno.remove(`${folder}/${name}`).catch(ifAbsent);
  }
}

async function writeAll(
  file: { write(bytes: Uint8Array): Promise<number> },
  bytes: Uint8Array,
): Promise<void> {
  for (let done = 0; done < bytes.length;) done += await file.write(bytes.subarray(done));
}

function partsOf(path: string): { folder: string; stem: string; extension: string } {
  const [, folder, name] = /^(?:(.*)\/)?([^/]*)$/.exec(path)!;
  const dot = name!.lastIndexOf(".");
  const [stem, extension] = dot > 0 ? [name!.slice(0, dot), name!.slice(dot)] : [name!, ""];
  return { folder: folder === undefined ? "." : folder || "/", stem, extension };
}

/** When a file was put aside, in milliseconds; `undefined`: it is not one of these. */
function timeOf(name: string, stem: string, extension: string): number | undefined {
  if (!name.startsWith(`${stem}-`) || !name.endsWith(extension)) return undefined;
  const time = name.slice(stem.length + 1, name.length - extension.length);
  const match = /^(\d{4}-\d\d-\d\d)T(\d\d)-(\d\d)-(\d\d\.\d{3})$/.exec(time);
  const ms = match ? Date.parse(`${match[1]}T${match[2]}:${match[3]}:${match[4]}Z`) : NaN;
  return Number.isNaN(ms) ? undefined : ms;
}
