import type { ByteStream } from "./byte_stream.ts";

/** Size of the pieces in which lists are written: large enough to fill TLS records, small enough to keep memory flat. */
export const PIECE_BYTES = 64 * 1024;
/** The same of pieces that are lent: each is one message of the borrower. */
export const LENT_PIECE_BYTES = 512 * 1024;
/** Pieces kept for the next answers: 2 MiB. */
const SPARES_MAX = 4;

/** Writes all parts, joined into pieces, at the pace of the peer. Stops quietly when the peer leaves. */
export async function writeParts(stream: ByteStream, parts: Iterable<Uint8Array>): Promise<void> {
  const writer = new PartsWriter(stream);
  for (const part of parts) {
    if (writer.took(part)) continue; // most of them, and there are thousands
    await writer.write(part);
    if (stream.gone.aborted) return;
  }
  await writer.end();
}

/** Writes bytes that never change, without a copy where that is possible. Stops quietly when the peer leaves. */
export async function writeUnchanging(stream: ByteStream, bytes: Uint8Array): Promise<void> {
  const returned = stream.lend?.(bytes);
  if (returned) return returned;
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
    if (!stream.write(bytes.subarray(at, at + PIECE_BYTES))) await stream.drained();
    if (stream.gone.aborted) return;
  }
}

/** Joins parts into pieces. Of those that are lent there are two: one is filled while the other is read. */
class PartsWriter {
  readonly #stream: ByteStream;
  #piece = new Uint8Array(PIECE_BYTES);
  #used = 0;
  #lent: { piece: Uint8Array<ArrayBuffer>; returned: Promise<void> } | undefined;

  constructor(stream: ByteStream) {
    this.#stream = stream;
  }

  /** Whether the part found room in the piece. */
  took(part: Uint8Array): boolean {
    if (part.length >= this.#piece.length - this.#used) return false;
    if (part.length === 1) this.#piece[this.#used] = part[0]!;
    else this.#piece.set(part, this.#used);
    this.#used += part.length;
    return true;
  }

  async write(part: Uint8Array): Promise<void> {
    for (let offset = 0; offset < part.length;) {
      const taken = Math.min(part.length - offset, this.#piece.length - this.#used);
      this.#piece.set(part.subarray(offset, offset + taken), this.#used);
      offset += taken;
      this.#used += taken;
      if (this.#used < this.#piece.length) continue;
      await this.#flush();
      if (this.#stream.gone.aborted) return;
    }
  }

  async end(): Promise<void> {
    if (this.#used === 0) return;
    const [stream, last] = [this.#stream, this.#piece];
    const returned = this.#lent && stream.lend?.(last.subarray(0, this.#used));
    if (!returned) {
      if (!stream.write(last.subarray(0, this.#used))) await stream.drained();
      return;
    }
    await Promise.all([this.#lent!.returned, returned]);
    for (const piece of [this.#lent!.piece, last]) spares.give(piece);
  }

  async #flush(): Promise<void> {
    const [stream, piece] = [this.#stream, this.#piece];
    this.#used = 0;
    const returned = stream.lend?.(piece);
    if (returned) {
      await this.#lent?.returned;
      const free = this.#lent?.piece;
      this.#piece = free?.length === LENT_PIECE_BYTES ? free : spares.take();
      this.#lent = { piece, returned };
      return;
    }
    const waits = !stream.write(piece);
    if (waits) await stream.drained();
    if (!waits || stream.keepsBytes) this.#piece = new Uint8Array(PIECE_BYTES);
  }
}

/** Memory for pieces that are lent: new memory each time would have the garbage collected all the time. */
class Spares {
  /** Weak, so that a server at rest does not keep them. */
  readonly #spares: WeakRef<Uint8Array<ArrayBuffer>>[] = [];

  take(): Uint8Array<ArrayBuffer> {
    for (let spare = this.#spares.pop(); spare; spare = this.#spares.pop()) {
      const piece = spare.deref();
      if (piece) return piece;
    }
    return new Uint8Array(LENT_PIECE_BYTES);
  }

  give(piece: Uint8Array<ArrayBuffer>): void {
    if (piece.length !== LENT_PIECE_BYTES || this.#spares.length >= SPARES_MAX) return;
    this.#spares.push(new WeakRef(piece));
  }
}

const spares = new Spares();
