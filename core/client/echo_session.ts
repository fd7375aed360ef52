import { ByteQueue, type ByteSink } from "../lib/byte_queue.ts";
import type { ContainerSession, OutputPiece, WantedStreams } from "./container_session.ts";

interface EchoResult {
  output: string;
  exitCode: number;
}

const WAITING_BYTES_MAX = 64 * 1024;

/** A command that sends its input back, then says something, and ends: for tests and for the simulator. */
export class EchoSession implements ContainerSession {
  readonly #result: EchoResult;
  readonly #echo = new ByteQueue();
  readonly input: ByteSink = {
    write: async (bytes) => {
      this.#echo.push(bytes);
      await this.#echo.room(WAITING_BYTES_MAX);
    },
    end: () => Promise.resolve(this.#echo.end()),
  };

  constructor(result: EchoResult, { stdin }: WantedStreams) {
    this.#result = result;
    if (!stdin) this.#echo.end();
  }

  get output(): AsyncIterable<OutputPiece> {
    return this.#output();
  }

  async *#output(): AsyncGenerator<OutputPiece> {
    for (let bytes; (bytes = await this.#echo.read()) !== undefined;) {
      yield { stream: "stdout", bytes };
    }
    yield { stream: "stdout", bytes: new TextEncoder().encode(this.#result.output) };
  }

  resize(): Promise<void> {
    return Promise.resolve();
  }

  exitCode(): Promise<number> {
    return Promise.resolve(this.#result.exitCode);
  }

  close(): void {
    this.#echo.end();
  }
}
