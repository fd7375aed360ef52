/** What is read of the body of an answer, as by the kubelet. */
const BODY_BYTES_MAX = 10 * 1024;
const HEAD_BYTES_MAX = 64 * 1024;
const BUFFER_BYTES = 4 * 1024;

export interface HttpAnswer {
  status: number;
  location: string | undefined;
  /** Its beginning. */
  body: string;
}

export interface HttpHeader {
  name: string;
  value: string;
}

/**
 * The headers of a request that has those of the pod, as Go's client sends them. Throws for what it refuses to send.
 *
 * `agent`: what the kubelet calls itself, e.g. `kube-probe/1.34`.
 */
export function requestHeaders(
  given: readonly HttpHeader[],
  { host, agent }: { host: string; agent: string },
): [name: string, value: string][] {
  for (const { name, value } of given) {
    if (!/^[\t\x20-\x7e\x80-\uffff]*$/.test(value)) {
      throw new Error(`net/http: invalid header field value for "${canonical(name)}"`);
    }
  }
  const own = given.map(({ name, value }) => [canonical(name), value] as [string, string]);
  const first = (name: string) => own.find((each) => each[0] === name)?.[1];
  const accept = first("Accept");
  return [
    ["Host", first("Host") || host],
    ...(first("User-Agent") === undefined ? [["User-Agent", agent] as [string, string]] : []),
    ...(accept === undefined ? [["Accept", "*/*"] as [string, string]] : []),
    ...own.filter(([name, value]) =>
      name !== "Host" && name !== "Connection" &&
      !(value === "" && (name === "Accept" || name === "User-Agent"))
    ),
    ["Connection", "close"],
  ];
}

/** The bytes of a GET request. Headers as {@linkcode requestHeaders} makes them. */
export function requestBytes(
  target: string,
  headers: readonly (readonly [string, string])[],
): Uint8Array {
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  return new TextEncoder().encode(`GET ${target} HTTP/1.1\r\n${lines}\r\n`);
}

/**
 * Reads the answer to a request that allows no other on its connection. Rejects, in Go's words, for what is no answer.
 *
 * `read` as `Deno.Reader.read`.
 */
export async function readAnswer(
  read: (buffer: Uint8Array) => Promise<number | null>,
): Promise<HttpAnswer> {
  const buffer = new Uint8Array(BUFFER_BYTES);
  let text = "";
  for (;;) {
    const length = await read(buffer);
    if (length !== null) text += latin1(buffer.subarray(0, length));
    const [head, body] = split(text);
    if (head !== undefined) {
      const answer = parsedHead(head);
      if (answer.status >= 200) {
        if (length !== null && !isWhole(body, answer)) continue;
        const { status, location } = answer;
        return { status, location, body: bodyOf(body, answer) };
      }
      if (answer.status !== 101) text = body; // what comes before the answer itself
    } else if (text.length > HEAD_BYTES_MAX) {
      throw new Error("net/http: server response headers exceeded 65536 bytes; aborted");
    }
    if (length === null) throw new Error(text === "" ? "EOF" : "unexpected EOF");
  }
}

interface Head {
  status: number;
  location: string | undefined;
  isChunked: boolean;
  /** `undefined`: it ends with the connection. */
  bodyBytes: number | undefined;
}

/** One character for each byte. */
function latin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

function split(text: string): [head: string | undefined, body: string] {
  const end = text.indexOf("\r\n\r\n");
  if (end >= 0) return [text.slice(0, end), text.slice(end + 4)];
  const bare = /\n\r?\n/.exec(text);
  return bare === null
    ? [undefined, ""]
    : [text.slice(0, bare.index), text.slice(bare.index + bare[0].length)];
}

function parsedHead(head: string): Head {
  const [line = "", ...lines] = head.split(/\r?\n/);
  const status = Number(/^HTTP\/\d\.\d (\d{3})(?: |$)/.exec(line)?.[1] ?? NaN);
  if (Number.isNaN(status)) {
    throw new Error(
      `net/http: HTTP/1.x transport connection broken: malformed HTTP response ${
        JSON.stringify(line)
      }`,
    );
  }
  const valueOf = (name: string) => {
    const found = lines.find((each) => each.toLowerCase().startsWith(`${name}:`));
    return found?.slice(name.length + 1).trim();
  };
  const length = Number(valueOf("content-length") ?? NaN);
  return {
    status,
    location: valueOf("location"),
    isChunked: /chunked/i.test(valueOf("transfer-encoding") ?? ""),
    bodyBytes: status === 204 || status === 304 ? 0 : Number.isNaN(length) ? undefined : length,
  };
}

function isWhole(body: string, { isChunked, bodyBytes }: Head): boolean {
  if (body.length >= BODY_BYTES_MAX) return true;
  if (isChunked) return body.endsWith("0\r\n\r\n");
  return bodyBytes !== undefined && body.length >= bodyBytes;
}

function bodyOf(body: string, { isChunked, bodyBytes = Infinity }: Head): string {
  const text = isChunked ? unchunked(body) : body.slice(0, bodyBytes);
  const bytes = Uint8Array.from(text.slice(0, BODY_BYTES_MAX), (each) => each.charCodeAt(0));
  return new TextDecoder().decode(bytes);
}

function unchunked(body: string): string {
  let [text, at] = ["", 0];
  for (;;) {
    const size = /^([0-9a-f]+)[^\n]*\n/i.exec(body.slice(at, at + 100));
    const length = parseInt(size?.[1] ?? "0", 16);
    if (size === null || length === 0) return text;
    at += size[0].length;
    text += body.slice(at, at + length);
    at += length + 2;
  }
}

/** `x-probe` as Go writes it: `X-Probe`. */
function canonical(name: string): string {
  return name.toLowerCase().replace(/(^|-)[a-z]/g, (each) => each.toUpperCase());
}
