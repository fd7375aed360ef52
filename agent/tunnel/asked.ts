import { messageBytes, PartReader } from "../../core/client/remote_streams/part_reader.ts";
import { refusalMessage } from "../../core/client/remote_streams/stream_answers.ts";
import { REQUEST_BYTES_MAX } from "../../core/client/remote_streams/stream_requests.ts";
import type { Clock } from "../../core/lib/clock.ts";
import { within } from "../../core/lib/deadline.ts";
import { messageOf } from "../../core/lib/error_message.ts";
import type { MuxStream } from "../../core/lib/mux/mux_stream.ts";

/** How long a request may take to come once its stream is open. */
const REQUEST_MS_MAX = 30_000;

/** What the server has asked for on a stream. */
export class Asked {
  readonly stream: MuxStream;
  readonly reader: PartReader;
  /** Aborts when the stream is over. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** Whether nothing waits for an answer. */
  #isGranted = false;

  constructor(stream: MuxStream, signal: AbortSignal, clock: Clock) {
    this.stream = stream;
    this.reader = new PartReader(stream.bytes);
    this.signal = signal;
    this.clock = clock;
  }

  /** What the server asks for next, as JSON, which is then to be granted; `undefined`: nothing. The server is believed. */
  async request(ms = REQUEST_MS_MAX): Promise<unknown> {
    const { clock } = this;
    const late = () => new Error("nothing was asked for");
    const message = await within(this.reader.message(REQUEST_BYTES_MAX), { clock, ms, late });
    this.#isGranted = false;
    return message;
  }

  /** It goes on; `more`: what else is said of it. */
  async grant(more: object = {}): Promise<void> {
    await this.stream.write(messageBytes({ granted: true, ...more }));
    this.#isGranted = true;
  }

  /** Says what has failed: as the answer, or as the reason for the end of the stream. */
  fail(error: unknown): void {
    if (this.#isGranted) return this.stream.reset(messageOf(error));
    this.#isGranted = true;
    this.stream.write(messageBytes(refusalMessage(error))).then(
      () => this.stream.end(),
      () => {}, // nobody is there to be told
    );
  }
}
