import { abortWith, ENDED } from "../lib/abort.ts";
import type { Clock } from "../lib/clock.ts";
import type { ServerLink } from "./server_link.ts";
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

/** Servers show that they live once a minute: two signs may be missed. */
const SILENCE_MS_MAX = 150_000;

/**
 * Hands over the lines of an answer that goes on. Resolves when the server ends it, or with true when it was given up to be
 * reopened, which is not a failure: what was sent while the server could not be reached comes late, or never.
 */
export async function followLines(
  { link, clock }: { link: Pick<ServerLink, "open" | "onRestored">; clock: Clock },
  path: string,
  take: (line: string) => void,
  signal: AbortSignal,
): Promise<boolean> {
  const request = new AbortController();
  const release = abortWith(request, signal);
  let isStale = false;
  const reopen = () => {
    isStale = true;
    request.abort(ENDED);
  };
  let [unsubscribe, cancel] = [() => {}, () => {}];
  try {
    const stream = await link.open(path, request.signal);
    unsubscribe = link.onRestored(reopen);
    cancel = clock.after(SILENCE_MS_MAX, reopen);
    for await (const lines of linesOf(stream, request.signal)) {
      for (const line of lines) take(line);
      cancel();
      cancel = clock.after(SILENCE_MS_MAX, reopen);
    }
  } catch (error) {
    if (!isStale) throw error;
  } finally {
    release();
    cancel();
    unsubscribe();
  }
  return isStale;
}
