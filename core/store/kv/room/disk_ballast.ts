import { ifAbsent } from "../../../lib/absent.ts";
import type { Ballast } from "./disk_room.ts";

const MIB = 1024 * 1024;
/**
 * What is held back: what a write-ahead log may have to bring back into the file before it can begin anew (SQLite's
 * 1,000 pages, and a batch), what the file is made longer by then, and a start without a write-ahead log.
 */
export const BALLAST_BYTES = 8 * MIB;
/** How much must be free before it is reserved. More than the ballast, so that a disk that was just full is not full again at once. */
const ROOM_BYTES_MIN = 10 * MIB;
/** What a start and its first few writes need. */
const WORKING_BYTES_MIN = MIB;
/** What is left to others when only a part of it can be reserved. */
const LEFT_BYTES = 64 * 1024;
const PIECE_BYTES = 64 * 1024; // crypto.getRandomValues fills no more at once

/** Reserves room on the disk in a file. */
export class DiskBallast implements Ballast {
  readonly #path: string;
  readonly #folder: string;

  /** `path`: the file, which need not exist. */
  constructor(path: string) {
    this.#path = path;
    this.#folder = path.slice(0, path.lastIndexOf("/"));
  }

  async hasRoom(): Promise<boolean> {
    return await this.freeBytes() >= WORKING_BYTES_MIN;
  }

  async freeBytes(): Promise<number> {
    const { statfs } = await import("node:fs/promises");
    const { bavail, bfree, bsize } = await statfs(this.#folder);
    return (Deno.uid() === 0 ? bfree : bavail) * bsize;
  }

  /** A quota may leave less than the system reports as free: only writing shows what there is. */
  async hold(): Promise<boolean> {
    const heldBytes = await this.#heldBytes();
    if (heldBytes >= BALLAST_BYTES) return true;
    if (await this.freeBytes() + heldBytes < ROOM_BYTES_MIN) return false;
    this.release(); // a part of it
    return await this.#take(BALLAST_BYTES, ROOM_BYTES_MIN);
  }

  async holdRest(): Promise<void> {
    const bytes = Math.min(BALLAST_BYTES, await this.freeBytes() - LEFT_BYTES);
    if (await this.#heldBytes() === 0 && bytes > 0) await this.#take(bytes, bytes);
  }

  release(): void {
    try {
      Deno.removeSync(this.#path);
    } catch (error) {
      ifAbsent(error);
    }
  }

  /** `roomBytes`: how much must be free to begin. Returns whether it is held now. */
  async #take(bytes: number, roomBytes: number): Promise<boolean> {
    const beside = `${this.#path}.new`;
    try {
      await fill(beside, roomBytes);
      await Deno.truncate(beside, bytes);
      await Deno.rename(beside, this.#path);
      return true;
    } catch {
      await Deno.remove(beside).catch(ifAbsent);
      return false; // the disk has filled up meanwhile
    }
  }

  async #heldBytes(): Promise<number> {
    return await Deno.stat(this.#path).then(({ size }) => size, () => 0);
  }
}

/** Filled with random bytes, which no file system can compress. */
async function fill(path: string, bytes: number): Promise<void> {
  using file = await Deno.open(path, { create: true, truncate: true, write: true, mode: 0o600 });
  for (let left = bytes; left > 0;) {
    left -= await file.write(crypto.getRandomValues(new Uint8Array(Math.min(left, PIECE_BYTES))));
  }
}
