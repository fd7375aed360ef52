import type { OpenStream } from "./open_stream.ts";
import { FRAME, FRAME_HEAD_BYTES, frameOf, headOf, payloadOf } from "./frames.ts";
import {
  FRAME_BYTES_MAX,
  OVERTAKING_BYTES_MAX,
  PONGS_MAX,
  REFUSALS_MAX,
  SMALL_BYTES,
} from "./limits.ts";
import { ProtocolError } from "./mux_error.ts";
import type { Pace } from "./pace.ts";

/**
 * What waits to be sent, in this order: opens, resets, pings and their answers; credits; small messages; then bulk, a frame
 * of each stream in turn while the pace allows it. Within a stream the order of writing holds.
 */
export class Outgoing {
  readonly #pace: Pace;
  readonly #nowMs: () => number;
  readonly #onOutput: () => void;
  #control: Uint8Array[] = [];
  #resets = 0;
  #pongs: number[] = [];
  #isPinging = false;
  /** Streams with something to send, in the order of their turns. */
  readonly #ready = new Set<OpenStream>();
  #isAwaited = true;

  constructor(pace: Pace, { nowMs, onOutput }: { nowMs: () => number; onOutput: () => void }) {
    this.#pace = pace;
    this.#nowMs = nowMs;
    this.#onOutput = onOutput;
  }

  open(id: number, head: Uint8Array): void {
    this.#push(frameOf(FRAME.open, id, head));
  }

  /** Throws a `ProtocolError` when the other end provokes resets and does not read them. */
  reset(id: number, reason: string): void {
    if (++this.#resets > REFUSALS_MAX) throw new ProtocolError("the other end does not read");
    this.#push(frameOf(FRAME.reset, id, new TextEncoder().encode(reason)));
  }

  ping(): void {
    this.#isPinging = true;
    this.wake();
  }

  pong(number: number): void {
    this.#pongs.push(number);
    if (this.#pongs.length > PONGS_MAX) this.#pongs.shift();
    this.wake();
  }

  ready(stream: OpenStream): void {
    this.#ready.add(stream);
    this.wake();
  }

  forget(stream: OpenStream): void {
    this.#ready.delete(stream);
  }

  clear(): void {
    this.#control = [];
    this.#pongs = [];
    this.#ready.clear();
    this.#isAwaited = false;
  }

  /** Tells that there may be something to take. */
  wake(): void {
    if (!this.#isAwaited) return;
    this.#isAwaited = false;
    this.#onOutput();
  }

  #push(frame: Uint8Array): void {
    this.#control.push(frame);
    this.wake();
  }

  take(bytesMax: number, reserve: number): Uint8Array<ArrayBuffer> | undefined {
    const batch = new Batch();
    this.#takeControl(batch);
    this.#takeCredits(batch);
    this.#takeSmall(batch, bytesMax);
    this.#takeBulk(batch, bytesMax);
    this.#takePings(batch);
    this.#isAwaited = batch.isEmpty;
    return batch.isEmpty ? undefined : batch.bytes(reserve);
  }

  #takeControl(batch: Batch): void {
    for (const frame of this.#control) batch.add(frame);
    this.#control = [];
    this.#resets = 0;
    for (const number of this.#pongs) batch.add(frameOf(FRAME.pong, 0, payloadOf(number)));
    this.#pongs = [];
  }

  #takePings(batch: Batch): void {
    if (!this.#isPinging && !this.#pace.isPingDue()) return;
    this.#isPinging = false;
    const rttMicros = Math.min(0xffff_ffff, Math.round((this.#pace.rttMs ?? 0) * 1000));
    const number = this.#pace.ping(this.#nowMs());
    batch.add(frameOf(FRAME.ping, 0, payloadOf(number, rttMicros)));
  }

  #takeCredits(batch: Batch): void {
    for (const stream of this.#ready) {
      const credit = stream.takeCredit();
      if (credit > 0) batch.add(frameOf(FRAME.credit, stream.id, payloadOf(credit)));
    }
  }

  #takeSmall(batch: Batch, bytesMax: number): void {
    for (const stream of this.#ready) {
      if (batch.size >= bytesMax) return;
      const { sendable } = stream;
      if (sendable > 0 && sendable <= SMALL_BYTES && this.#mayOvertake(stream, sendable)) {
        this.#takeData(batch, stream, sendable);
      }
      if (stream.isEnding) {
        batch.add(frameOf(FRAME.end, stream.id));
        stream.sentEnd();
      }
      if (stream.sendable === 0) this.#ready.delete(stream);
    }
  }

  #mayOvertake(stream: OpenStream, bytes: number): boolean {
    const { answers } = this.#pace;
    if (stream.overtaking.answers !== answers) stream.overtaking = { answers, bytes: 0 };
    if (stream.overtaking.bytes + bytes > OVERTAKING_BYTES_MAX) return false;
    stream.overtaking.bytes += bytes;
    return true;
  }

  #takeBulk(batch: Batch, bytesMax: number): void {
    while (this.#ready.size > 0 && batch.size < bytesMax && !this.#pace.isFull()) {
      const [stream] = this.#ready as unknown as [OpenStream];
      this.#ready.delete(stream);
      const length = Math.min(stream.sendable, FRAME_BYTES_MAX, this.#pace.limit);
      this.#takeData(batch, stream, length);
      if (stream.isEnding) {
        batch.add(frameOf(FRAME.end, stream.id));
        stream.sentEnd();
      } else if (stream.sendable > 0) this.#ready.add(stream);
    }
  }

  #takeData(batch: Batch, stream: OpenStream, length: number): void {
    batch.data(stream, length);
    this.#pace.sent(length);
  }
}

/** Frames behind one another. */
class Batch {
  readonly #parts: Uint8Array[] = [];
  #bytes = 0;

  get isEmpty(): boolean {
    return this.#bytes === 0;
  }

  get size(): number {
    return this.#bytes;
  }

  add(frame: Uint8Array): void {
    this.#parts.push(frame);
    this.#bytes += frame.length;
  }

  data(stream: OpenStream, length: number): void {
    this.#parts.push(headOf({ type: FRAME.data, stream: stream.id, length }));
    this.#parts.push(...stream.takeParts(length));
    this.#bytes += FRAME_HEAD_BYTES + length;
  }

  /** All, with free bytes in front. */
  bytes(reserve: number): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(reserve + this.#bytes);
    let at = reserve;
    for (const part of this.#parts) {
      bytes.set(part, at);
      at += part.length;
    }
    return bytes;
  }
}
