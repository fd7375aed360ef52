import type { ContainerSession, OutputPiece, TerminalSize } from "../container_session.ts";
import type { ByteSink } from "../../lib/byte_queue.ts";
import { isJsonObject } from "../../lib/json/json_value.ts";
import { UnreachableNode } from "../nodes/unreachable_node.ts";
import { RemoteCall, type RemoteNode } from "./remote_call.ts";
import { wordsOf } from "./stream_answers.ts";
import { FRAME, FRAME_HEAD_BYTES, INPUT } from "./stream_requests.ts";

/** How long the words about the end may take once they have begun. */
const END_MS_MAX = 10_000;

/**
 * A session in a container of another machine: one stream brings its output and its end and takes what is ordered,
 * another takes its input, so that neither waits for the other.
 */
export class RemoteSession implements ContainerSession {
  readonly input: ByteSink;
  readonly #call: RemoteCall;
  readonly #node: RemoteNode;
  readonly #inputCall: RemoteCall | undefined;
  #exitCode: number | undefined;

  /** `call`: has started it. */
  constructor(
    call: RemoteCall,
    { node, name, hasInput }: { node: RemoteNode; name: string; hasInput: boolean },
  ) {
    this.#call = call;
    this.#node = node;
    this.#inputCall = hasInput ? RemoteCall.open(node, { kind: INPUT, session: name }) : undefined;
    this.input = {
      write: (bytes) => this.#inputCall?.write(bytes) ?? Promise.reject(new Error("no input")),
      end: () => Promise.resolve(this.#inputCall?.endInput()),
    };
  }

  get output(): AsyncIterable<OutputPiece> {
    return this.#output();
  }

  async resize({ columns, rows }: TerminalSize): Promise<void> {
    await this.#call.send({ do: "resize", columns, rows });
  }

  exitCode(): Promise<number> {
    if (this.#exitCode !== undefined) return Promise.resolve(this.#exitCode);
    return Promise.reject(new Error("how the command has ended is not known"));
  }

  close(): void {
    this.#inputCall?.end("the client has left");
    this.#call.end("the client has left");
  }

  async *#output(): AsyncGenerator<OutputPiece> {
    for (let head; (head = await this.#call.exactly(FRAME_HEAD_BYTES)) !== undefined;) {
      const length = new DataView(head.buffer, head.byteOffset).getUint32(1);
      if (head[0] === FRAME.end) return this.#take(await this.#call.message(END_MS_MAX, length));
      const stream = head[0] === FRAME.stderr ? "stderr" : "stdout";
      for (let left = length; left > 0;) {
        const bytes = await this.#call.some(left);
        if (bytes === undefined) throw this.#cutOff();
        left -= bytes.length;
        yield { stream, bytes };
      }
    }
    throw this.#cutOff();
  }

  #take(end: unknown): void {
    const { exitCode, failure } = isJsonObject(end) ? end : {};
    if (!Number.isInteger(exitCode)) throw new Error(wordsOf(failure));
    this.#exitCode = exitCode as number;
  }

  #cutOff(): Error {
    return UnreachableNode.lost(this.#node.name, "the agent has ended the stream");
  }
}
