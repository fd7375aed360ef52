import type { Random } from "../../core/lib/random.ts";
import type { SystemCall } from "./system_calls.ts";

/** Disks write whole sectors. */
const SECTOR_BYTES = 512;

/** The files of a folder, by name. */
export type Files = ReadonlyMap<string, Uint8Array>;
type Change = Exclude<SystemCall, { kind: "say" | "sync" }>;

/**
 * What a disk holds while a process writes to it, and what of that is left after a power cut.
 *
 * A sync makes durable what was written to its file before, and all earlier changes of names: file systems with a
 * journal keep the order of those (ext4, XFS, btrfs). What was not synced may be there, may be missing, and may be
 * there in part, each write for itself and in any order; a sector is never half of the one and half of the other.
 */
export class ReplayedDisk {
  readonly #durable = new Map<string, Content>();
  #pending: Change[] = [];

  constructor(files: Files) {
    for (const [file, bytes] of files) this.#durable.set(file, new Content(bytes));
  }

  apply(call: SystemCall): void {
    if (call.kind === "say") return;
    if (call.kind === "sync") this.#sync(call.file);
    else this.#pending.push(call);
  }

  /** Only what was synced. */
  synced(): Files {
    return bytesOf(this.#durable);
  }

  /** What was synced, and a part of the rest. */
  torn(random: Random): Files {
    const files = new Map([...this.#durable].map(([file, content]) => [file, content.copy()]));
    for (const change of this.#pending) {
      if (random.chance(1 / 3)) carryOut(change, files);
      else if (random.chance(1 / 2) && change.kind === "write") {
        for (const piece of someSectors(change, random)) carryOut(piece, files);
      }
    }
    return bytesOf(files);
  }

  #sync(file: string): void {
    let left: Change[] = [];
    for (const change of this.#pending) {
      const isName = change.kind === "create" || change.kind === "remove";
      if (isName || change.file === file) carryOut(change, this.#durable);
      else left.push(change);
      if (change.kind === "remove") left = left.filter((other) => other.file !== change.file);
    }
    this.#pending = left;
  }
}

/** A write to a file without a name is lost. */
function carryOut(change: Change, files: Map<string, Content>): void {
  const content = files.get(change.file);
  if (change.kind === "remove") files.delete(change.file);
  else if (change.kind === "truncate") content?.truncate(change.length);
  else if (change.kind === "write") content?.write(change.offset, change.bytes);
  else if (!content) files.set(change.file, new Content(new Uint8Array()));
}

function someSectors(write: Change & { kind: "write" }, random: Random): Change[] {
  const pieces: Change[] = [];
  for (let from = 0; from < write.bytes.length;) {
    const to = from + SECTOR_BYTES - (write.offset + from) % SECTOR_BYTES;
    const bytes = write.bytes.subarray(from, to);
    if (random.chance(1 / 2)) pieces.push({ ...write, offset: write.offset + from, bytes });
    from = to;
  }
  return pieces;
}

function bytesOf(files: ReadonlyMap<string, Content>): Files {
  return new Map([...files].map(([file, content]) => [file, content.bytes]));
}

/** Bytes that grow with amortized copying. */
class Content {
  #room: Uint8Array;
  #length: number;

  constructor(bytes: Uint8Array) {
    this.#room = bytes.slice();
    this.#length = bytes.length;
  }

  get bytes(): Uint8Array {
    return this.#room.subarray(0, this.#length);
  }

  copy(): Content {
    return new Content(this.bytes);
  }

  write(offset: number, bytes: Uint8Array): void {
    const end = offset + bytes.length;
    if (end > this.#room.length) {
      const room = new Uint8Array(2 * end);
      room.set(this.bytes);
      this.#room = room;
    }
    this.#room.set(bytes, offset);
    this.#length = Math.max(this.#length, end);
  }

  truncate(length: number): void {
    if (length > this.#length) return this.write(length, new Uint8Array());
    this.#room.fill(0, length, this.#length);
    this.#length = length;
  }
}
