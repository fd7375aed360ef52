import { ifAbsent } from "../../lib/absent.ts";
import type { Ballast } from "./disk_room.ts";

/** What is held back: enough for some hundred small writes. */
const BALLAST_BYTES = 1024 * 1024;
/** What must be free for it to be taken. More than the ballast, so that a disk that was just full is not full at once. */
const ROOM_BYTES_MIN = 4 * BALLAST_BYTES;
const PIECE_BYTES = 64 * 1024; // crypto.getRandomValues fills no more at once

/** Holds room back in a file. */
export class DiskBallast implements Ballast {
  readonly #path: string;
  readonly #folder: string;

  /** `path`: of the file, which need not exist. */
  constructor(path: string) {
    this.#path = path;
    this.#folder = path.slice(0, path.lastIndexOf("/"));
  }

  async hasRoom(): Promise<boolean> {
    return await this.#freeBytes() >= BALLAST_BYTES;
  }

  /** What the system says is free may be less by a quota: only what can be written is there. */
  async hold(): Promise<boolean> {
    if (await this.#isHeld()) return true;
    if (await this.#freeBytes() < ROOM_BYTES_MIN) return false;
    const beside = `${this.#path}.new`;
    try {
      await fill(beside, ROOM_BYTES_MIN);
      await Deno.truncate(beside, BALLAST_BYTES);
      await Deno.rename(beside, this.#path);
      return true;
    } catch {
      await Deno.remove(beside).catch(ifAbsent);
      return false; // it has filled up meanwhile
    }
  }

  async release(): Promise<void> {
    await Deno.remove(this.#path).catch(ifAbsent);
  }

  async #isHeld(): Promise<boolean> {
    return await Deno.stat(this.#path).then(({ size }) => size >= BALLAST_BYTES, () => false);
  }

  async #freeBytes(): Promise<number> {
    const { statfs } = await import("node:fs/promises");
    const { bavail, bfree, bsize } = await statfs(this.#folder);
    return (Deno.uid() === 0 ? bfree : bavail) * bsize;
  }
}

/** With what no file system can make smaller. */
async function fill(path: string, bytes: number): Promise<void> {
  using file = await Deno.open(path, { create: true, truncate: true, write: true, mode: 0o600 });
  for (let left = bytes; left > 0;) {
    left -= await file.write(crypto.getRandomValues(new Uint8Array(Math.min(left, PIECE_BYTES))));
  }
}
