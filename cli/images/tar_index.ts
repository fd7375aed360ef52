const BLOCK_BYTES = 512;
/** Of a name in a record of its own (GNU tar, pax). */
const NAME_BYTES_MAX = 64 * 1024;
/** Files of an archive. */
const ENTRIES_MAX = 10_000;
const decoder = new TextDecoder();

/** Where the content of a file is in the archive. */
export interface TarFile {
  start: number;
  size: number;
}

/** Bytes that can be read at any place. */
export interface Readable {
  /** As many as there are, at most `length`. */
  read(start: number, length: number): Promise<Uint8Array>;
}

/** An archive that is none, or of a form that is not read. */
export class TarError extends Error {
  override name = "TarError";
}

/**
 * The files of a tar archive (ustar, with the long names of GNU tar and pax) by their names; links lead to the file that they
 * point to. Nothing of their content is read.
 */
export async function tarIndex(archive: Readable): Promise<Map<string, TarFile>> {
  const files = new Map<string, TarFile>();
  const links = new Map<string, string>();
  let longName: string | undefined;
  for (let at = 0;;) {
    const header = await archive.read(at, BLOCK_BYTES);
    if (header.length < BLOCK_BYTES || header.every((byte) => byte === 0)) break;
    const { name, size, type, link } = fieldsOf(header);
    const start = at + BLOCK_BYTES;
    at = start + Math.ceil(size / BLOCK_BYTES) * BLOCK_BYTES;
    if (type === "L" || type === "x") {
      if (size > NAME_BYTES_MAX) throw new TarError("a name is too long");
      const text = decoder.decode(await archive.read(start, size));
      longName = type === "L" ? text.replace(/\0.*$/s, "") : paxPath(text) ?? longName;
      continue;
    }
    const path = normalPath(longName ?? name);
    longName = undefined;
    if (type === "0" || type === "\0") files.set(path, { start, size });
    if (type === "1") links.set(path, normalPath(link));
    if (type === "2") links.set(path, normalPath(`${path}/../${link}`));
    if (files.size + links.size > ENTRIES_MAX) throw new TarError("it has too many files");
  }
  for (const [path, target] of links) {
    const file = files.get(target);
    if (file) files.set(path, file);
  }
  return files;
}

function fieldsOf(header: Uint8Array) {
  const text = (start: number, end: number) =>
    decoder.decode(header.subarray(start, end)).replace(/\0.*$/s, "");
  if (text(257, 262) !== "ustar") throw new TarError("it is no tar archive");
  const prefix = text(345, 500);
  const name = text(0, 100);
  const isGnu = text(257, 265).startsWith("ustar ");
  return {
    name: prefix !== "" && !isGnu ? `${prefix}/${name}` : name,
    size: sizeIn(header),
    type: String.fromCharCode(header[156]!),
    link: text(157, 257),
  };
}

/** Octal digits; beyond 8 GiB as GNU tar writes it. */
function sizeIn(header: Uint8Array): number {
  if (header[124] === 0x80) {
    return Number(new DataView(header.buffer, header.byteOffset).getBigUint64(128));
  }
  const digits = decoder.decode(header.subarray(124, 136)).replace(/[\0 ]+$/, "").trim();
  if (!/^[0-7]+$/.test(digits)) throw new TarError("a size in it is no number");
  return parseInt(digits, 8);
}

/** The `path` of a pax header: lines of `LENGTH KEY=VALUE`. */
function paxPath(text: string): string | undefined {
  return /(?:^|\n)\d+ path=([^\n]*)\n/.exec(text)?.[1];
}

/** Without `.` and `..`, which lead nowhere out of the archive. */
function normalPath(path: string): string {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return parts.join("/");
}
