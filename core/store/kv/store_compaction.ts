import { databaseAt } from "./store_file.ts";

/** The size of a store's file, and how much of it is free. */
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

/** A file is compacted unasked when at least so much of it is free, and at least half of it. */
const FREE_BYTES_MIN = 16 * 1024 * 1024;
/** A larger file is compacted only on request, because writes wait meanwhile. */
const LIVE_BYTES_MAX = 64 * 1024 * 1024;

/** Whether a file is worth compacting: `dense` is not, `sparse` is and takes a moment, `large` is and takes long. */
export function densityOf({ bytes, freeBytes }: FileUse): "dense" | "sparse" | "large" {
  if (freeBytes < FREE_BYTES_MIN || freeBytes * 2 < bytes) return "dense";
  return bytes - freeBytes <= LIVE_BYTES_MAX ? "sparse" : "large";
}

/**
 * Gives free pages back to the disk. Nobody may write meanwhile. It needs room for a second copy of the contents; without
 * it, or when it is killed, the file is as before.
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
