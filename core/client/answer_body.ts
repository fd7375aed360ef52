import * as stream from "../lib/lines.ts";
import { LinkError } from "./link_error.ts";

/** Longer than any event: an object has 3 MiB at most. */
const LINE_CHARACTERS_MAX = 8 * 1024 * 1024;

/** The lines of an answer of the API; see {@linkcode stream.linesOf}. Throws a {@linkcode LinkError}. */
export function linesOf(
  body: ReadableStream<Uint8Array>,
  signal: AbortSignal,
): AsyncIterable<readonly string[]> {
  const tooLong = () => new LinkError("a line of the answer has no end");
  return stream.linesOf(body, { charactersMax: LINE_CHARACTERS_MAX, tooLong, signal });
}
