import { ifAbsent } from "../../core/lib/absent.ts";

/** A file of a run's log. */
export interface RunFile {
  path: string;
  /** Of a rotated file: grows. `Infinity`: the one that is written to. */
  number: number;
  id: FileId;
  bytes: number;
  /** When it was last written, in ms since 1970. */
  writtenMs: number;
}

/** Distinguishes a file from all others, past ones too: inode numbers are reused. */
export type FileId = `${number | null}/${number | undefined}`;

/** What {@linkcode FileId} is made of. */
type Identified = Pick<Deno.FileInfo, "ino" | "birthtime">;

export function fileId({ ino, birthtime }: Identified): FileId {
  return `${ino}/${birthtime?.getTime()}`;
}

/**
 * The files of the log at `path`, the oldest first: `RUN.log.1`, `RUN.log.2`, …, and `RUN.log` that is written to. One
 * with two names is there once, by its number.
 */
export async function filesOfRun(path: string): Promise<RunFile[]> {
  const files = new Map<FileId, RunFile>();
  for (
    const { path: each, number } of [...await rotatedFilesOf(path), { path, number: Infinity }]
  ) {
    const info = await Deno.stat(each).catch(ifAbsent); // it may have been rotated or removed
    if (info === undefined || !info.isFile || files.has(fileId(info))) continue;
    const writtenMs = info.mtime?.getTime() ?? 0;
    files.set(fileId(info), { path: each, number, id: fileId(info), bytes: info.size, writtenMs });
  }
  return [...files.values()];
}

/** The rotated files of the log at `path`, the oldest first. */
export async function rotatedFilesOf(path: string): Promise<{ path: string; number: number }[]> {
  const slash = path.lastIndexOf("/");
  const prefix = `${path.slice(slash + 1)}.`;
  const numbers: number[] = [];
  try {
    for await (const { name } of Deno.readDir(path.slice(0, slash))) {
      const rest = name.startsWith(prefix) ? name.slice(prefix.length) : "";
      if (/^\d{1,15}$/.test(rest)) numbers.push(Number(rest));
    }
  } catch (error) {
    ifAbsent(error);
  }
  return numbers.sort((a, b) => a - b).map((number) => ({ path: `${path}.${number}`, number }));
}
