/** A message as the strictest reader sees it. Texts have one character for each byte. */
export interface Message {
  /** The first line, without its end. */
  first: string;
  /** Lines of the head after the first, without their ends. */
  fields: readonly string[];
  /** As it is on the wire: with its chunks, if it has some. */
  body: string;
}

/** The bytes are not HTTP/1.1, or two readers could understand them differently. */
export class StrictError extends Error {
  override name = "StrictError";
}

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const REQUEST_LINE = new RegExp(`^${TOKEN} [\\x21-\\x22\\x24-\\x7e]+ HTTP/1\\.[01]$`);
const STATUS_LINE = /^HTTP\/1\.[01] [1-5][0-9][0-9] [\t\x20-\x7e\x80-\xff]*$/;
const FIELD = new RegExp(`^(${TOKEN}):[ \\t]*([\\t\\x20-\\x7e\\x80-\\xff]*?)[ \\t]*$`);
const CHUNK_LINE = /^([0-9A-Fa-f]{1,8})(?:[ \t]*;[\t\x20-\x7e\x80-\xff]*)?$/;

/**
 * Reads the whole messages at the start of a text: RFC 9112 by regular expressions, written for these tests and shared
 * with nothing else. `methods`: of the requests that answers belong to; without them, the text has requests.
 * `rest`: a message that is not whole. Throws {@linkcode StrictError}.
 */
export function messagesIn(
  text: string,
  methods?: readonly string[],
): { messages: Message[]; rest: string } {
  const messages: Message[] = [];
  let rest = text;
  let answered = 0;
  for (;;) {
    const headEnd = rest.indexOf("\r\n\r\n");
    if (headEnd < 0) return { messages, rest };
    const [first = "", ...fields] = rest.slice(0, headEnd).split("\r\n");
    if (!(methods ? STATUS_LINE : REQUEST_LINE).test(first)) {
      throw new StrictError(`first line ${JSON.stringify(first)}`);
    }
    const method = methods ? methods[answered] ?? "GET" : first.split(" ")[0]!;
    const after = rest.slice(headEnd + 4);
    const length = bodyLengthOf(after, lengthSaid(first, fields, method, methods !== undefined));
    if (length === undefined) return { messages, rest };
    messages.push({ first, fields, body: after.slice(0, length) });
    rest = after.slice(length);
    if (!/^HTTP\/1\.. 1/.test(first)) answered++;
  }
}

/** What the head says of the body. */
function lengthSaid(
  first: string,
  fields: readonly string[],
  method: string,
  isAnswer: boolean,
): number | "chunked" | "rest" {
  const said: Record<string, string[]> = {};
  for (const field of fields) {
    const [, name, value] = FIELD.exec(field) ?? [];
    if (name === undefined) throw new StrictError(`field ${JSON.stringify(field)}`);
    (said[name.toLowerCase()] ??= []).push(value!);
  }
  const { "content-length": lengths = [], "transfer-encoding": codings = [], host = [] } = said;
  if (lengths.length + codings.length > 1) throw new StrictError("two body lengths");
  if (!isAnswer && (host.length > 1 || (host.length === 0 && first.endsWith("1.1")))) {
    throw new StrictError("Host");
  }
  if (lengths.some((length) => !/^[0-9]{1,15}$/.test(length))) {
    throw new StrictError("Content-Length");
  }
  if (codings.some((coding) => coding.toLowerCase() !== "chunked")) {
    throw new StrictError("Transfer-Encoding");
  }
  const status = isAnswer ? first.split(" ")[1]! : "";
  if (/^(1..|204|304)$/.test(status) || (isAnswer && method === "HEAD")) return 0;
  if (codings.length > 0) return "chunked";
  return lengths.length > 0 ? Number(lengths[0]) : isAnswer ? "rest" : 0;
}

/** `undefined`: it is not all there. */
function bodyLengthOf(text: string, said: number | "chunked" | "rest"): number | undefined {
  if (said === "rest") return text.length;
  if (said !== "chunked") return text.length < said ? undefined : said;
  let at = 0;
  for (;;) {
    const lineEnd = text.indexOf("\r\n", at);
    if (lineEnd < 0) return undefined;
    const size = CHUNK_LINE.exec(text.slice(at, lineEnd))?.[1];
    if (size === undefined) {
      throw new StrictError(`chunk ${JSON.stringify(text.slice(at, lineEnd))}`);
    }
    at = lineEnd + 2 + parseInt(size, 16);
    if (parseInt(size, 16) === 0) return trailersEnd(text, at);
    if (at + 2 > text.length) return undefined;
    if (text.slice(at, at + 2) !== "\r\n") throw new StrictError("no end of a chunk");
    at += 2;
  }
}

const NO_TRAILERS =
  /^(content-length|transfer-encoding|host|connection|upgrade|te|trailer|x-forwarded-.*)$/i;

function trailersEnd(text: string, start: number): number | undefined {
  for (let at = start;;) {
    const end = text.indexOf("\r\n", at);
    if (end < 0) return undefined;
    if (end === at) return at + 2;
    const name = FIELD.exec(text.slice(at, end))?.[1];
    if (name === undefined || NO_TRAILERS.test(name)) {
      throw new StrictError(`trailer ${JSON.stringify(text.slice(at, end))}`);
    }
    at = end + 2;
  }
}

/** The name that a request is known by: method and target. */
export function nameOf({ first }: Message): string {
  return first.split(" ").slice(0, 2).join(" ");
}

/** The body without its chunks. */
export function contentOf({ fields, body }: Message): string {
  if (!fields.some((field) => /^transfer-encoding:/i.test(field))) return body;
  let content = "";
  for (let at = 0;;) {
    const start = body.indexOf("\r\n", at) + 2;
    const size = parseInt(body.slice(at, start), 16);
    if (size === 0) return content;
    content += body.slice(start, start + size);
    at = start + size + 2;
  }
}

/** One byte for each character. */
export function asBytes(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

export function asText(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}
