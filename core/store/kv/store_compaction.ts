import { databaseAt } from "./store_file.ts";

/** How large a store's file is, and how much of that holds nothing. */
export interface FileUse {
  bytes: number;
  freeBytes: number;
}

/** Reads the file's own count; cheap, and possible while a server uses the store. */
export async function fileUse(path: string): Promise<FileUse> {
  const database = await databaseAt(path, { readOnly: true });
  try {
    const [row] = database.prepare(
      "SELECT page_size, page_count, freelist_count FROM pragma_page_size, pragma_page_count, pragma_freelist_count",
    ).all();
    const { page_size, page_count, freelist_count } = row as Record<string, number>;
    return { bytes: page_size! * page_count!, freeBytes: page_size! * freelist_count! };
  } finally {
    database.close();
  }
}

/** A file is compacted without being asked when so much of it holds nothing, and most of it does. */
const FREE_BYTES_MIN = 16 * 1024 * 1024;
/** What takes longer than a moment is left to who asks for it: writes wait meanwhile. */
const LIVE_BYTES_MAX = 64 * 1024 * 1024;

/** What should be done about a file: it is `tight`, `airy` and small enough to be compacted in passing, or `large`. */
export function stateOf({ bytes, freeBytes }: FileUse): "tight" | "airy" | "large" {
  if (freeBytes < FREE_BYTES_MIN || freeBytes * 2 < bytes) return "tight";
  return bytes - freeBytes <= LIVE_BYTES_MAX ? "airy" : "large";
}

/**
 * Gives what holds nothing back to the disk. Nobody may write meanwhile. It needs room for a second copy of what the
 * file holds; without it, or when it is killed, the file is as before.
 */
export async function compact(path: string): Promise<void> {
  const database = await databaseAt(path);
  try {
    database.exec("VACUUM");
    database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  } finally {
    database.close();
  }
}
