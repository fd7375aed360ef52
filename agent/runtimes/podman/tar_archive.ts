/** A file, folder or link of an archive. */
export interface TarEntry {
  /** Without a slash at the beginning; at most 100 bytes. */
  name: string;
  mode: number;
  /** The content of a file. */
  content?: Uint8Array;
  /** Where a symbolic link points. */
  link?: string;
}

const BLOCK_BYTES = 512;
const FILE = "0";
const SYMBOLIC_LINK = "2";
const FOLDER = "5";

/** Writes a tar archive in the ustar format (POSIX, pax). Owner is root, times are zero: equal input, equal bytes. */
export function tarArchive(entries: readonly TarEntry[]): Uint8Array<ArrayBuffer> {
  const blocks = entries.flatMap((entry) => [headerOf(entry), padded(entry.content)]);
  blocks.push(new Uint8Array(2 * BLOCK_BYTES));
  const archive = new Uint8Array(blocks.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const block of blocks) {
    archive.set(block, at);
    at += block.length;
  }
  return archive;
}

function headerOf({ name, mode, content, link }: TarEntry): Uint8Array {
  const header = new Uint8Array(BLOCK_BYTES);
  const text = (at: number, value: string) => header.set(new TextEncoder().encode(value), at);
  const octal = (at: number, length: number, value: number) =>
    text(at, value.toString(8).padStart(length - 1, "0"));
  text(0, name);
  octal(100, 8, mode);
  octal(108, 8, 0);
  octal(116, 8, 0);
  octal(124, 12, content?.length ?? 0);
  octal(136, 12, 0);
  text(148, " ".repeat(8)); // the checksum counts itself as spaces
  text(156, link !== undefined ? SYMBOLIC_LINK : content !== undefined ? FILE : FOLDER);
  text(157, link ?? "");
  text(257, "ustar\x0000");
  octal(148, 7, header.reduce((sum, byte) => sum + byte, 0));
  return header;
}

function padded(content: Uint8Array = new Uint8Array()): Uint8Array {
  const block = new Uint8Array(Math.ceil(content.length / BLOCK_BYTES) * BLOCK_BYTES);
  block.set(content);
  return block;
}
