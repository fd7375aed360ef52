/** Without it Deno 2.9 drops a U+FEFF at the beginning of each chunk, not only of the text. */
const KEEPING_BOM = { ignoreBOM: true };

export interface LineOptions {
  /** How long a line may be, so that one without an end does not fill the memory. */
  charactersMax: number;
  /** Makes the error that a longer line is refused with. */
  tooLong: () => Error;
  /** Ends the reading, without an error. */
  signal?: AbortSignal | undefined;
}

/**
 * The lines of a body of UTF-8 without the empty ones, in batches as they arrive, until it ends or the signal aborts. A
 * last line without an end was cut off and is dropped. Leaving the loop early cancels the body.
 *
 * Each character is looked at once, however many chunks a line comes in.
 */
export async function* linesOf(
  body: ReadableStream<Uint8Array>,
  { charactersMax, tooLong, signal }: LineOptions,
): AsyncGenerator<readonly string[]> {
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
    if (rest.length > charactersMax) throw tooLong();
  }
}

/** The whole body as text. Rejects with the signal's reason when it aborts before the end. */
export async function textOf(
  body: ReadableStream<Uint8Array> | null,
  signal: AbortSignal,
): Promise<string> {
  const decoder = new TextDecoder("utf-8", KEEPING_BOM);
  let text = "";
  if (body === null) return text;
  for await (const chunk of chunksOf(body, signal)) {
    text += decoder.decode(chunk, { stream: true });
  }
  signal.throwIfAborted();
  return text + decoder.decode();
}

/**
 * Cancels the body itself: `fetch` of Deno 2.9 holds its signal weakly once the head has come, so that after a garbage
 * collection an abort no longer reaches whoever waits for the body.
 */
async function* chunksOf(
  body: ReadableStream<Uint8Array>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  const reader = body.getReader();
  const cancel = () => void reader.cancel(signal?.reason).catch(() => {}); // it has failed by itself
  signal?.addEventListener("abort", cancel, { once: true });
  if (signal?.aborted) cancel();
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
  } finally {
    signal?.removeEventListener("abort", cancel);
    cancel();
  }
}
