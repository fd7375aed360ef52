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
/** The eleven octal digits of a header tell smaller sizes. */
const OCTAL_SIZE_END = 8 ** 11;
const FILE = "0";
const SYMBOLIC_LINK = "2";
const FOLDER = "5";

/** Writes a tar archive in the ustar format (POSIX, pax). Owner is root, times are zero: equal input, equal bytes. */
export function tarArchive(entries: readonly TarEntry[]): Uint8Array<ArrayBuffer> {
  const blocks = entries.flatMap((entry) => [headerOf(entry), padded(entry.content)]);
  blocks.push(tarEnd());
  const archive = new Uint8Array(blocks.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const block of blocks) {
    archive.set(block, at);
    at += block.length;
  }
  return archive;
}

function headerOf({ content, ...entry }: TarEntry): Uint8Array {
  return tarHeader({ ...entry, ...(content && { size: content.length }) });
}

/** What stands before the content of an entry. `size`: of the content of a file; beyond 8 GiB as GNU tar writes it. */
export function tarHeader(
  { name, mode, size, link }: Omit<TarEntry, "content"> & { size?: number },
): Uint8Array {
  const header = new Uint8Array(BLOCK_BYTES);
  const text = (at: number, value: string) => header.set(new TextEncoder().encode(value), at);
  const octal = (at: number, length: number, value: number) =>
    text(at, value.toString(8).padStart(length - 1, "0"));
  text(0, name);
  octal(100, 8, mode);
  octal(108, 8, 0);
  octal(116, 8, 0);
  if ((size ?? 0) < OCTAL_SIZE_END) octal(124, 12, size ?? 0);
  else {
    header[124] = 0x80;
    new DataView(header.buffer).setBigUint64(128, BigInt(size!));
  }
  octal(136, 12, 0);
  text(148, " ".repeat(8)); // the checksum counts itself as spaces
  text(156, link !== undefined ? SYMBOLIC_LINK : size !== undefined ? FILE : FOLDER);
  text(157, link ?? "");
  text(257, "ustar\x0000");
  octal(148, 7, header.reduce((sum, byte) => sum + byte, 0));
  return header;
}

function padded(content: Uint8Array = new Uint8Array()): Uint8Array {
  const block = new Uint8Array(content.length + tarPadding(content.length).length);
  block.set(content);
  return block;
}

/** What stands behind the content of an entry of this size. */
export function tarPadding(size: number): Uint8Array {
  return new Uint8Array((BLOCK_BYTES - size % BLOCK_BYTES) % BLOCK_BYTES);
}

/** What stands behind the last entry. */
export function tarEnd(): Uint8Array {
  return new Uint8Array(2 * BLOCK_BYTES);
}
