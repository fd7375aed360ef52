import type { ByteSink, ByteSource } from "../../lib/byte_queue.ts";
import type { Clock } from "../../lib/clock.ts";
import type { SpdyStream } from "./spdy/session.ts";

/** The two streams of one forwarded connection. */
export interface ForwardPair {
  data: ByteSource & ByteSink & { reset?(): Promise<void> };
  error: ByteSink & { reset?(): Promise<void> };
  port: number;
}

/** How long the second stream of a pair may take: kubelet `DefaultStreamCreationTimeout`. */
const PAIR_MS = 30_000;
const encoder = new TextEncoder();

interface Half {
  data?: SpdyStream;
  error?: SpdyStream;
  cancel: () => void;
}

/**
 * Finds the streams that belong together, by `requestid`; very old clients send none, and their streams follow each other.
 * Source: kubelet `pkg/cri/streaming/portforward/httpstream.go`.
 */
export class ForwardPairs {
  readonly #clock: Clock;
  readonly #onPair: (pair: ForwardPair) => void;
  readonly #halves = new Map<string, Half>();

  constructor(clock: Clock, onPair: (pair: ForwardPair) => void) {
    this.#clock = clock;
    this.#onPair = onPair;
  }

  /** Takes a stream that the client has opened. One that says neither port nor type is reset. */
  add(stream: SpdyStream): void {
    const type = stream.headers.get("streamtype");
    const port = portOf(stream.headers.get("port"));
    if (port === undefined || (type !== "data" && type !== "error")) {
      return void stream.reset().catch(() => {}); // the client may be gone
    }
    if (type === "error") stream.discardInput(); // nothing comes on it
    const id = stream.headers.get("requestid") || String(stream.id - (type === "data" ? 2 : 0));
    const half = this.#halves.get(id) ?? this.#begin(id);
    if (half[type]) return this.#tell(half, id, `${type} stream already assigned`);
    half[type] = stream;
    if (!half.data || !half.error) return;
    this.#forget(id);
    this.#onPair({ data: half.data, error: half.error, port });
  }

  /** The connection is over. */
  close(): void {
    for (const id of [...this.#halves.keys()]) this.#forget(id);
  }

  #begin(id: string): Half {
    const cancel = this.#clock.after(PAIR_MS, () => {
      this.#forget(id);
      half.error?.write(encoder.encode(`(request=${id}) timed out waiting for streams`)).catch(
        () => {}, // the client may be gone
      );
      for (const stream of [half.data, half.error]) void stream?.reset().catch(() => {});
    });
    const half: Half = { cancel };
    this.#halves.set(id, half);
    return half;
  }

  #tell(half: Half, id: string, words: string): void {
    const text = `error processing stream for request ${id}: ${words}`;
    half.error?.write(encoder.encode(text)).catch(() => {}); // the client may be gone
  }

  #forget(id: string): void {
    this.#halves.get(id)?.cancel();
    this.#halves.delete(id);
  }
}

function portOf(text: string | undefined): number | undefined {
  const port = /^\d{1,5}$/.test(text ?? "") ? Number(text) : 0;
  return port > 0 && port <= 65_535 ? port : undefined;
}
