import type { BodyReader } from "../messages/body_framing.ts";
import { textOf } from "../messages/characters.ts";
import type { Head } from "../messages/head.ts";
import { ADDED_BYTES_MAX, writeResponseHead } from "../messages/head_writer.ts";
import { HeldBytes } from "../messages/held_bytes.ts";
import type { AnswerSink } from "../protocol/downstream.ts";
import type { HeaderValue } from "../table/route_table.ts";
import { editedHead } from "./head_edit.ts";

/** An answer of HTTP/1.1 on its way to one who speaks another protocol: what it says, without the framing. */
export class DecodedAnswer implements BodyReader {
  /** Whether the sink takes more of the body. */
  takesMore = true;
  readonly #sink: AnswerSink;
  readonly #trailers = new HeldBytes();

  constructor(sink: AnswerSink) {
    this.#sink = sink;
  }

  /** `head`: parsed from `bytes`, with what is not to be handed on marked as dropped. */
  onHead(bytes: Uint8Array, headEnd: number, head: Head): void {
    const written = new Uint8Array(headEnd - head.start + ADDED_BYTES_MAX);
    const length = writeResponseHead(bytes, headEnd, head, false, written);
    const edited = editedHead(written.subarray(0, length), { edit: this.#sink.answerEdit });
    const [, ...lines] = textOf(edited, 0, edited.length - 4).split("\r\n");
    this.#sink.onHead(head.status, fieldsOf(lines));
  }

  onContent(bytes: Uint8Array, start: number, end: number): void {
    this.takesMore = this.#sink.onBody(bytes, start, end);
  }

  onTrailers(bytes: Uint8Array, start: number, end: number): void {
    this.#trailers.add(bytes, start, end);
  }

  /** The body is over. */
  end(): void {
    const trailers = this.#trailers.take();
    if (trailers.length === 0 || !this.#sink.takesTrailers) return;
    this.#sink.onTrailers(fieldsOf(textOf(trailers, 0, trailers.length - 2).split("\r\n")));
  }
}

function fieldsOf(lines: readonly string[]): HeaderValue[] {
  return lines.flatMap((line) => {
    const colon = line.indexOf(":"), name = line.slice(0, colon);
    const isFraming = name.toLowerCase() === "transfer-encoding";
    return isFraming ? [] : [{ name, value: line.slice(colon + 1).trim() }];
  });
}
