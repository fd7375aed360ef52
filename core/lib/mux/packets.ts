const LENGTH_BYTES = 2;
/** What may wait to be sent. More is lost, as packets may be: queues without a bound make what is in them stall. */
const QUEUED_BYTES_MAX = 256 * 1024;

/** Sends packets on a stream, each with its length before it. Those of one moment go together. */
export class PacketSender {
  readonly #write: (bytes: Uint8Array) => Promise<void>;
  #waiting: Uint8Array[] = [];
  #queuedBytes = 0;
  #isSending = false;
  #isOver = false;
  /** Packets that were lost here for want of room. */
  dropped = 0;

  constructor(write: (bytes: Uint8Array) => Promise<void>) {
    this.#write = write;
  }

  /** The bytes may change when it returns. */
  send(packet: Uint8Array): void {
    if (this.#isOver) return;
    if (this.#queuedBytes + packet.length > QUEUED_BYTES_MAX) return void this.dropped++;
    const frame = new Uint8Array(LENGTH_BYTES + packet.length);
    new DataView(frame.buffer).setUint16(0, packet.length);
    frame.set(packet, LENGTH_BYTES);
    this.#waiting.push(frame);
    this.#queuedBytes += frame.length;
    if (!this.#isSending) void this.#sendAll();
  }

  async #sendAll(): Promise<void> {
    this.#isSending = true;
    await Promise.resolve(); // what comes in this moment goes together
    try {
      while (this.#waiting.length > 0) {
        const bytes = joined(this.#waiting);
        this.#waiting = [];
        await this.#write(bytes);
        this.#queuedBytes -= bytes.length;
      }
    } catch {
      this.#isOver = true; // the stream is lost, which its reader finds, too
      this.#waiting = [];
    }
    this.#isSending = false;
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0]!;
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** The packets that a {@linkcode PacketSender} has sent, however its bytes were cut. Each is the caller's. */
export async function* packetsIn(
  bytes: AsyncIterable<Uint8Array>,
): AsyncIterable<Uint8Array<ArrayBuffer>> {
  let held = new Uint8Array(0);
  for await (const more of bytes) {
    const all = held.length === 0 ? more : joined([held, more]);
    let at = 0;
    while (all.length - at >= LENGTH_BYTES) {
      const end = at + LENGTH_BYTES + (all[at]! << 8 | all[at + 1]!);
      if (end > all.length) break;
      yield all.slice(at + LENGTH_BYTES, end);
      at = end;
    }
    held = all.slice(at);
  }
}
