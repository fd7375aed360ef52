import type { ContainerSession, OutputPiece } from "../../core/client/container_session.ts";
import type { LogOptions } from "../../core/client/node_streams.ts";
import { ENDED } from "../../core/lib/abort.ts";
import type { ByteSink } from "../../core/lib/byte_queue.ts";

/** Options for what a container writes from now on; `sinceMs` is to be added. */
export const FROM_NOW: Omit<LogOptions, "container" | "sinceMs"> = {
  follow: true,
  previous: false,
  timestamps: false,
  tailLines: 0,
  limitBytes: undefined,
};

/** Attached to the log of a container, where its runtime keeps no streams: output only. */
export class LogSession implements ContainerSession {
  readonly #log: AsyncIterable<Uint8Array>;
  readonly #end: AbortController;
  /** Nobody reads it. */
  readonly input: ByteSink = {
    write: () => Promise.reject(ENDED),
    end: () => Promise.resolve(),
  };

  /** `end` ends the log. */
  constructor(log: AsyncIterable<Uint8Array>, end: AbortController) {
    this.#log = log;
    this.#end = end;
  }

  get output(): AsyncIterable<OutputPiece> {
    return this.#output();
  }

  async *#output(): AsyncGenerator<OutputPiece> {
    try {
      for await (const bytes of this.#log) {
        if (bytes.length > 0) yield { stream: "stdout", bytes };
      }
    } catch (error) {
      if (!this.#end.signal.aborted) throw error;
    }
  }

  resize(): Promise<void> {
    return Promise.resolve();
  }

  exitCode(): Promise<number> {
    return Promise.resolve(0);
  }

  close(): void {
    this.#end.abort(ENDED);
  }
}
