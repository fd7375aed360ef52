import { LinkError } from "./link_error.ts";

/** Longer than any event: an object has 3 MiB at most. */
const LINE_CHARACTERS_MAX = 8 * 1024 * 1024;

/** Without it Deno 2.9 drops a U+FEFF at the beginning of each chunk, not only of the text. */
const KEEPING_BOM = { ignoreBOM: true };

/** The whole body as text. Rejects with the signal's reason when it aborts before the end. */
export async function textOf(answer: Response, signal: AbortSignal): Promise<string> {
  const decoder = new TextDecoder("utf-8", KEEPING_BOM);
  let text = "";
  if (answer.body === null) return text;
  for await (const chunk of chunksOf(answer.body, signal)) {
    text += decoder.decode(chunk, { stream: true });
  }
  signal.throwIfAborted();
  return text + decoder.decode();
}

/**
 * The lines of a body of UTF-8, all that came together at once, until it ends or the signal aborts. A last line that
 * has no end was cut off and is dropped. Who stops early cancels the body.
 */
export async function* linesOf(
  body: ReadableStream<Uint8Array>,
  signal: AbortSignal,
): AsyncIterable<readonly string[]> {
  const decoder = new TextDecoder("utf-8", KEEPING_BOM);
  let rest = "";
  for await (const chunk of chunksOf(body, signal)) {
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

/**
 * The body is cancelled by hand: `fetch` of Deno 2.9 holds its signal weakly once the head has come, so that after a
 * garbage collection an abort no longer reaches who waits for the body.
 */
async function* chunksOf(
  body: ReadableStream<Uint8Array>,
  signal: AbortSignal,
): AsyncIterable<Uint8Array> {
  const reader = body.getReader();
  const cancel = () => void reader.cancel(signal.reason).catch(() => {}); // it has failed by itself
  signal.addEventListener("abort", cancel, { once: true });
  if (signal.aborted) cancel();
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
  } finally {
    signal.removeEventListener("abort", cancel);
    cancel();
  }
}
