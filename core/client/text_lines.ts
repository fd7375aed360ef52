import { LinkError } from "./server_link.ts";

/** Longer than any event: an object has 3 MiB at most. */
const LINE_CHARACTERS_MAX = 8 * 1024 * 1024;

/**
 * The lines of a stream of UTF-8, all that came together at once. A last line that has no end was cut off and is
 * dropped. Who stops early cancels the stream.
 */
export async function* linesOf(
  stream: ReadableStream<Uint8Array>,
): AsyncIterable<readonly string[]> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const text = decoder.decode(chunk, { stream: true });
    const end = text.lastIndexOf("\n");
    if (end >= 0) {
      yield (rest + text.slice(0, end)).split("\n").filter((line) => line !== "");
      rest = "";
    }
    rest += text.slice(end + 1);
    if (rest.length > LINE_CHARACTERS_MAX) throw new LinkError("a line of the answer has no end");
  }
}
