/** Bytes that a client sends, and the expected outcome. */
export interface SmuggledRequest {
  name: string;
  bytes: string;
  /** The statuses of the refusal: the connection ends with it, and nothing after it counts. */
  refused?: readonly number[];
  /** Or each request as the endpoint must get it. */
  forwarded?: readonly string[];
  /** It is the last of its connection without being refused. */
  ends?: true;
}

const HOST = "Host: a\r\n";
const POST = `POST /a HTTP/1.1\r\n${HOST}`;
const GET = `GET /a HTTP/1.1\r\n${HOST}`;
const CHUNKED = `${POST}Transfer-Encoding: chunked\r\n`;
const INNER = `GET /smuggled HTTP/1.1\r\n${HOST}\r\n`;
const BY = "X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: a\r\n";

/** A request as it is forwarded: its lines as they came, and who asked. */
function seen(head: string, body = ""): string {
  return `${head}${BY}\r\n${body}`;
}

type Rows = readonly (readonly [name: string, text: string])[];

function refusals(
  rows: Rows,
  bytesOf: (text: string) => string,
  refused = [400],
): SmuggledRequest[] {
  return rows.map(([name, text]) => ({ name, bytes: bytesOf(text), refused }));
}

const TWO_LENGTHS = refusals([
  ["CL.TE", "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG"],
  ["TE.CL", "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n5c\r\nGPOST"],
  [
    "CL.TE with a length of 0",
    `Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${INNER}`,
  ],
  ["CL.CL", "Content-Length: 8\r\nContent-Length: 7\r\n\r\n12345\r\na"],
  ["CL.CL of the same value", "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello"],
  ["CL.CL in other letters", "content-length: 5\r\nCONTENT-LENGTH: 6\r\n\r\nhello"],
  ["TE.TE", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
], (text) => POST + text);

const LENGTHS = refusals([
  ["a list of lengths", "5, 5"],
  ["a list of different lengths", "5,6"],
  ["a negative length", "-5"],
  ["minus nothing", "-0"],
  ["a length with plus", "+5"],
  ["a length in hex", "0x5"],
  ["a length in octal", "0o5"],
  ["an empty length", ""],
  ["a length of a point", "5.0"],
  ["a length with an exponent", "5e0"],
  ["a length with an underscore", "1_0"],
  ["a length with a space within", "1 0"],
  ["a length with a word", "5 bytes"],
  ["a length in quotes", '"5"'],
  ["a length beyond 64 bits", "18446744073709551621"],
  ["a length beyond 63 bits", "9223372036854775808"],
  ["a length that wraps at 32 bits", "4294967301000000"],
  ["a length with many zeros", "0000000000000000005"],
  ["a length with NUL", "5\0"],
  ["a length with VT", "\v5"],
  ["a length with FF", "5\f"],
  ["a length with CR", "\r5"],
  ["a length of foreign digits", "\xb2"],
  ["a length with a semicolon", "5;a"],
], (value) => `${POST}Content-Length: ${value}\r\n\r\nhello${INNER}`);

const LENGTH_NAMES = refusals([
  ["a space before the colon of Content-Length", "Content-Length : 5"],
  ["a tab before the colon of Content-Length", "Content-Length\t: 5"],
  ["NUL before the colon", "Content-Length\0: 5"],
  ["VT before the colon", "Content-Length\v: 5"],
  ["a name that is folded", "Content-\r\n Length: 5"],
  ["a line that starts with space", " Content-Length: 5"],
  ["a line that starts with a tab", "\tContent-Length: 5"],
  ["a line without a colon", "Content-Length 5"],
  ["a name that is empty", ": 5"],
  ["a name in quotes", '"Content-Length": 5'],
  ["a name in brackets", "(Content-Length): 5"],
  ["a name with a byte above 127", "Content-Length\xa0: 5"],
  ["a name with DEL", "Content-Length\x7f: 5"],
  ["a field that is folded after nothing", "X-A:\r\n Content-Length: 5"],
  ["a value with a lone CR", "X-A: b\rContent-Length: 5"],
  ["a value with a lone LF", "X-A: b\nContent-Length: 5"],
  ["a value with LF CR", "X-A: b\n\rContent-Length: 5"],
  ["a value with NUL", "X-A: b\0c"],
  ["a value with DEL", "X-A: b\x7fc"],
  ["a value with backspace", "X-A: b\bc"],
], (line) => `${POST}${line}\r\n\r\nhello`);

const CODING_LINES = refusals(
  [
    ["a space before the colon", "Transfer-Encoding : chunked"],
    ["a tab before the colon", "Transfer-Encoding\t: chunked"],
    ["VT before the value", "Transfer-Encoding:\vchunked"],
    ["FF after the value", "Transfer-Encoding: chunked\f"],
    ["NUL after the value", "Transfer-Encoding: chunked\0"],
    ["CR before the value", "Transfer-Encoding:\rchunked"],
    ["a value that is folded", "Transfer-Encoding:\r\n chunked"],
    ["a value that is folded with a tab", "Transfer-Encoding:\r\n\tchunked"],
    ["LF instead of CRLF", "X: y\nTransfer-Encoding: chunked"],
    ["CR instead of CRLF", "X: y\rTransfer-Encoding: chunked"],
    ["CR CR LF", "X: y\r\r\nTransfer-Encoding: chunked"],
    ["a line that starts with space", " Transfer-Encoding: chunked"],
    ["both, one obfuscated", "Transfer-Encoding: chunked\r\nTransfer-encoding: identity"],
  ],
  (line) => `${POST}${line}\r\n\r\n0\r\n\r\n${INNER}`,
  [400, 501],
);

const CODINGS = refusals(
  [
    ["a letter before", "xchunked"],
    ["a letter after", "chunkedx"],
    ["gzip", "gzip"],
    ["identity", "identity"],
    ["an empty coding", ""],
    ["gzip before chunked", "gzip, chunked"],
    ["identity after chunked", "chunked, identity"],
    ["chunked twice", "chunked, chunked"],
    ["an empty element before", ", chunked"],
    ["an empty element after", "chunked,"],
    ["a parameter", "chunked;q=1"],
    ["quotes", '"chunked"'],
    ["quotes of the other sort", "'chunked'"],
    ["a space within", "chun ked"],
    ["a word before", "x chunked"],
    ["a byte above 127 before", "\xffchunked"],
    ["a no-break space before", "\xa0chunked"],
    ["the name of a close relative", "chunk"],
    ["a long s", "chun\u017fed".replace("\u017f", "\xc5")],
  ],
  (coding) => `${POST}Transfer-Encoding: ${coding}\r\n\r\n0\r\n\r\n${INNER}`,
  [400, 501],
);

const CHUNK_LINES = refusals([
  ["a size with 0x", "0x5"],
  ["a size with plus", "+5"],
  ["a size with minus", "-5"],
  ["a size with an underscore", "0_5"],
  ["a size with a space before", " 5"],
  ["a size with a space after", "5 "],
  ["a size with a tab after", "5\t"],
  ["a size with VT", "5\v"],
  ["a size with NUL", "5\0"],
  ["an empty size", ""],
  ["no size but an extension", ";a=b"],
  ["a size beyond 64 bits", "10000000000000005"],
  ["a size of 16 digits", "FFFFFFFFFFFFFFFF"],
  ["a size of many zeros", "00000000000000000005"],
  ["a size of foreign digits", "\xb5"],
  ["a size in decimal with a point", "5.0"],
  ["a size with a comma", "5,5"],
  ["a size with a quote", "'5'"],
  ["CR in an extension", "5;a\rb"],
  ["LF in an extension", "5;a\nb"],
  ["LF in a quoted extension", '5;a="\nb"'],
  ["NUL in an extension", "5;a\0"],
  ["DEL in an extension", "5;\x7f"],
  ["an extension of 300 bytes", `5;${"a".repeat(300)}`],
], (line) => `${CHUNKED}\r\n${line}\r\nhello\r\n0\r\n\r\n`);

const CHUNKS = refusals([
  ["LF after a size", "5\nhello\r\n0\r\n\r\n"],
  ["CR after a size", "5\rhello\r\n0\r\n\r\n"],
  ["CR CR LF after a size", "5\r\r\nhello\r\n0\r\n\r\n"],
  ["LF after an extension", "5;a=b\nhello\r\n0\r\n\r\n"],
  ["data that is too long", "5\r\nhelloX\r\n0\r\n\r\n"],
  ["data that is too short", "6\r\nhello\r\n0\r\n\r\n"],
  ["LF after data", "5\r\nhello\n0\r\n\r\n"],
  ["CR after data", "5\r\nhello\r0\r\n\r\n"],
  ["other bytes in place of CRLF after data", "5\r\nhelloXX0\r\n\r\n"],
  ["LF after the last size", "0\n\r\n"],
  ["LF as the end", "0\r\n\n"],
  ["CR as the end", "0\r\n\rX"],
  ["a trailer with a lone LF", "0\r\nX-A: b\n\r\n"],
  ["a trailer that is folded", "0\r\nX-A: b\r\n c\r\n\r\n"],
  ["a trailer without a colon", "0\r\nhello\r\n\r\n"],
  ["a trailer with a space before the colon", "0\r\nX-A : b\r\n\r\n"],
  ["a trailer with NUL", "0\r\nX-A: \0\r\n\r\n"],
  ["a request as a trailer", `0\r\n${INNER}`],
  ["Content-Length as a trailer", "0\r\nContent-Length: 5\r\n\r\n"],
  ["Transfer-Encoding as a trailer", "0\r\ntransfer-encoding: chunked\r\n\r\n"],
  ["Host as a trailer", "0\r\nHOST: b\r\n\r\n"],
  ["Connection as a trailer", "0\r\nConnection: close\r\n\r\n"],
  ["who asked as a trailer", "0\r\nX-Forwarded-For: 10.0.0.1\r\n\r\n"],
  ["10 KB of trailers", `0\r\nX-A: ${"a".repeat(10_000)}\r\n\r\n`],
], (body) => `${CHUNKED}\r\n${body}`);

const FIRST_LINES = refusals(
  [
    ["LF after the request line", `GET /a HTTP/1.1\n${HOST}\r\n`],
    ["CR after the request line", `GET /a HTTP/1.1\r${HOST}\r\n`],
    ["two spaces in the request line", `GET  /a HTTP/1.1\r\n${HOST}\r\n`],
    ["a tab in the request line", `GET\t/a HTTP/1.1\r\n${HOST}\r\n`],
    ["VT in the request line", `GET /a\vHTTP/1.1\r\n${HOST}\r\n`],
    ["a space after the version", `GET /a HTTP/1.1 \r\n${HOST}\r\n`],
    ["a request within the target", `GET /a HTTP/1.1/../b HTTP/1.1\r\n${HOST}\r\n`],
    ["a version in small letters", `GET /a http/1.1\r\n${HOST}\r\n`],
    ["a version with a word", `GET /a HTTP/1.1a\r\n${HOST}\r\n`],
    ["a version of two digits", `GET /a HTTP/1.10\r\n${HOST}\r\n`],
    ["no version", "GET /a\r\n\r\n"],
    ["a space before the method", ` GET /a HTTP/1.1\r\n${HOST}\r\n`],
    ["a method with a slash", `GE/T /a HTTP/1.1\r\n${HOST}\r\n`],
    ["a method with NUL", `GET\0 /a HTTP/1.1\r\n${HOST}\r\n`],
    ["LF before the request", `\n${GET}\r\n`],
    ["two empty lines before the request", `\r\n\r\n${GET}\r\n`],
    ["a target with NUL", `GET /a\0 HTTP/1.1\r\n${HOST}\r\n`],
    ["a target with a byte above 127", `GET /\xe9 HTTP/1.1\r\n${HOST}\r\n`],
    ["a target with a fragment", `GET /public#/../a HTTP/1.1\r\n${HOST}\r\n`],
    ["a target of another scheme", `GET ftp://a/a HTTP/1.1\r\n${HOST}\r\n`],
    ["a target without a slash", `GET a HTTP/1.1\r\n${HOST}\r\n`],
    ["a target with a user", `GET http://a@b/a HTTP/1.1\r\n${HOST}\r\n`],
    ["a star with a method that takes none", `GET * HTTP/1.1\r\n${HOST}\r\n`],
    ["a head of an answer", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"],
  ],
  (bytes) => bytes,
  [400, 505],
);

const HOSTS = refusals([
  ["no Host", "X: y\r\n"],
  ["two Hosts", "Host: a\r\nHost: b\r\n"],
  ["two equal Hosts", "Host: a\r\nhost: a\r\n"],
  ["a list of Hosts", "Host: a, b\r\n"],
  ["a Host with a space within", "Host: a b\r\n"],
  ["a Host with a path", "Host: a/b\r\n"],
  ["a Host with a user", "Host: b@a\r\n"],
  ["a Host with a query", "Host: a?b\r\n"],
  ["a Host with a backslash", "Host: a\\b\r\n"],
  ["a Host with NUL", "Host: a\0\r\n"],
  ["a Host that is folded", "Host:\r\n a\r\n"],
  ["a Host after a line of space", " X: y\r\nHost: a\r\n"],
], (lines) => `GET /a HTTP/1.1\r\n${lines}\r\n`);

const VERSIONS: readonly SmuggledRequest[] = [
  {
    name: "chunks in HTTP/1.0",
    bytes: `POST /a HTTP/1.0\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    refused: [400],
  },
  {
    name: "chunks in HTTP/1.0 that lives on",
    bytes:
      `POST /a HTTP/1.0\r\n${HOST}Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    refused: [400],
  },
  { name: "HTTP/2.0", bytes: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", refused: [400, 505] },
  { name: "HTTP/1.2", bytes: `GET /a HTTP/1.2\r\n${HOST}\r\n`, refused: [505] },
  { name: "HTTP/0.9", bytes: "GET /a HTTP/0.9\r\n\r\n", refused: [400, 505] },
  { name: "CONNECT", bytes: "CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", refused: [501] },
  {
    name: "HTTP/1.0",
    bytes: `GET /a HTTP/1.0\r\n${HOST}\r\n${INNER}`,
    forwarded: [seen(`GET /a HTTP/1.0\r\n${HOST}`)],
    ends: true,
  },
  {
    name: "HTTP/1.0 with a length",
    bytes: `POST /a HTTP/1.0\r\n${HOST}Content-Length: 5\r\n\r\nhello${INNER}`,
    forwarded: [seen(`POST /a HTTP/1.0\r\n${HOST}Content-Length: 5\r\n`, "hello")],
    ends: true,
  },
];

const FORWARDED: readonly SmuggledRequest[] = [
  {
    name: "a length",
    bytes: `${POST}Content-Length: 5\r\n\r\nhello`,
    forwarded: [seen(`${POST}Content-Length: 5\r\n`, "hello")],
  },
  {
    name: "a length with zeros",
    bytes: `${POST}Content-Length: 005\r\n\r\nhello`,
    forwarded: [seen(`${POST}Content-Length: 005\r\n`, "hello")],
  },
  {
    name: "0.CL: GET with a body that looks like a request",
    bytes: `${GET}Content-Length: ${INNER.length}\r\n\r\n${INNER}`,
    forwarded: [seen(`${GET}Content-Length: ${INNER.length}\r\n`, INNER)],
  },
  {
    name: "CL.0: POST without a length",
    bytes: `${POST}\r\n${INNER}`,
    forwarded: [seen(POST), seen(`GET /smuggled HTTP/1.1\r\n${HOST}`)],
  },
  {
    name: "HEAD with a body",
    bytes: `HEAD /a HTTP/1.1\r\n${HOST}Content-Length: 5\r\n\r\nhello`,
    forwarded: [seen(`HEAD /a HTTP/1.1\r\n${HOST}Content-Length: 5\r\n`, "hello")],
  },
  {
    name: "OPTIONS * with a body",
    bytes: `OPTIONS * HTTP/1.1\r\n${HOST}Content-Length: 5\r\n\r\nhello`,
    forwarded: [seen(`OPTIONS * HTTP/1.1\r\n${HOST}Content-Length: 5\r\n`, "hello")],
  },
  {
    name: "chunks that look like a request",
    bytes: `${CHUNKED}\r\n${INNER.length.toString(16)}\r\n${INNER}\r\n0\r\n\r\n`,
    forwarded: [seen(CHUNKED, `${INNER.length.toString(16)}\r\n${INNER}\r\n0\r\n\r\n`)],
  },
  {
    name: "chunks in other letters",
    bytes: `${POST}TRANSFER-ENCODING:\tChunked \r\n\r\n00\r\n\r\n`,
    forwarded: [seen(`${POST}TRANSFER-ENCODING:\tChunked \r\n`, "00\r\n\r\n")],
  },
  {
    name: "chunks with extensions and trailers, for which nobody asked",
    bytes: `${CHUNKED}\r\n05;a=b;c="d"\r\nhello\r\n000;x\r\nX-Sum: 1\r\nAuthorization: b\r\n\r\n`,
    forwarded: [seen(CHUNKED, `05;a=b;c="d"\r\nhello\r\n000;x\r\n\r\n`)],
  },
  {
    name: "a name with an underscore",
    bytes: `${POST}Transfer_Encoding: chunked\r\nContent_Length: 5\r\n\r\n`,
    forwarded: [seen(POST)],
  },
  { name: "an empty line before the request", bytes: `\r\n${GET}\r\n`, forwarded: [seen(GET)] },
  {
    name: "absolute form",
    bytes: `GET http://a/a?b HTTP/1.1\r\n${HOST}\r\n`,
    forwarded: [seen(`GET /a?b HTTP/1.1\r\n${HOST}`)],
  },
  {
    name: "a target for another host",
    bytes: `GET http://b/a HTTP/1.1\r\n${HOST}\r\n`,
    forwarded: [`GET /a HTTP/1.1\r\nHost: b\r\n${BY.replace("Host: a", "Host: b")}\r\n`],
  },
  {
    name: "a target with another port, and no path",
    bytes: `GET http://a:81?b HTTP/1.1\r\n${HOST}\r\n`,
    forwarded: [
      `GET /?b HTTP/1.1\r\nHost: a:81\r\n${BY.replace("Host: a", "Host: a:81")}\r\n`,
    ],
  },
  {
    name: "OPTIONS of a whole host",
    bytes: `OPTIONS http://a HTTP/1.1\r\n${HOST}\r\n`,
    forwarded: [seen(`OPTIONS * HTTP/1.1\r\n${HOST}`)],
  },
  {
    name: "Expect with its body at once",
    bytes: `${POST}Expect: 100-continue\r\nContent-Length: 5\r\n\r\nhello`,
    forwarded: [seen(`${POST}Expect: 100-continue\r\nContent-Length: 5\r\n`, "hello")],
  },
  {
    name: "Expect that is obfuscated, and a body like a request",
    bytes: `${GET}Expect: y 100-continue\r\nContent-Length: ${INNER.length}\r\n\r\n${INNER}`,
    forwarded: [seen(`${GET}Expect: y 100-continue\r\nContent-Length: ${INNER.length}\r\n`, INNER)],
  },
  {
    name: "Connection names Content-Length",
    bytes: `${POST}Connection: content-length\r\nContent-Length: 5\r\n\r\nhello`,
    forwarded: [seen(`${POST}Content-Length: 5\r\n`, "hello")],
  },
  {
    name: "Connection names Transfer-Encoding and Host",
    bytes: `${CHUNKED}Connection: transfer-encoding, host\r\n\r\n0\r\n\r\n`,
    forwarded: [seen(CHUNKED, "0\r\n\r\n")],
  },
  {
    name: "Connection names another field",
    bytes: `${GET}Connection: keep-alive, x-a\r\nX-A: b\r\nX-B: c\r\n\r\n`,
    forwarded: [seen(`${GET}X-B: c\r\n`)],
  },
  {
    name: "fields of one hop",
    bytes: `${GET}Keep-Alive: timeout=5\r\nProxy-Connection: close\r\nTE: trailers, gzip\r\n\r\n`,
    forwarded: [`${GET}${BY}Connection: TE\r\nTE: trailers\r\n\r\n`],
  },
  {
    name: "a client's word for who it is",
    bytes: `${GET}X-Forwarded-For: 6.6.6.6\r\nx-forwarded-host: b\r\nX-FORWARDED-PROTO: https\r\n` +
      "Forwarded: for=b\r\nX-Real-IP: 6.6.6.6\r\nProxy: http://b\r\nX-Forwarded-User: b\r\n\r\n",
    forwarded: [seen(GET)],
  },
  {
    name: "an upgrade that the endpoint does not take",
    bytes: `${GET}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n${INNER}`,
    forwarded: [
      `${GET}Upgrade: websocket\r\n${BY}Connection: Upgrade\r\n\r\n`,
      seen(`GET /smuggled HTTP/1.1\r\n${HOST}`),
    ],
  },
  {
    name: "an upgrade to HTTP/2",
    bytes:
      `${GET}Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n`,
    forwarded: [seen(GET)],
  },
  {
    name: "an upgrade with a body",
    bytes: `${POST}Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 5\r\n\r\nhello`,
    forwarded: [seen(`${POST}Content-Length: 5\r\n`, "hello")],
  },
  {
    name: "Upgrade without Connection",
    bytes: `${GET}Upgrade: websocket\r\n\r\n`,
    forwarded: [seen(GET)],
  },
  {
    name: "three at once",
    bytes: `${GET}\r\n${POST}Content-Length: 5\r\n\r\nhello${INNER}`,
    forwarded: [
      seen(GET),
      seen(`${POST}Content-Length: 5\r\n`, "hello"),
      seen(`GET /smuggled HTTP/1.1\r\n${HOST}`),
    ],
  },
  {
    name: "the last of a connection",
    bytes: `${GET}Connection: close\r\n\r\n${INNER}`,
    forwarded: [seen(GET)],
    ends: true,
  },
];

/**
 * Requests that are known to be understood differently by different readers, and their harmless relatives. Sources: RFC
 * 9112 §11.2, the classes of "HTTP Desync Attacks" (Kettle, 2019-2025), CVEs of chunk extensions and trailers.
 */
export const SMUGGLED_REQUESTS: readonly SmuggledRequest[] = [
  ...TWO_LENGTHS,
  ...LENGTHS,
  ...LENGTH_NAMES,
  ...CODING_LINES,
  ...CODINGS.map((one) => ({ ...one, name: `Transfer-Encoding with ${one.name}` })),
  ...CHUNK_LINES.map((one) => ({ ...one, name: `a chunk of ${one.name}` })),
  ...CHUNKS.map((one) => ({ ...one, name: `chunks with ${one.name}` })),
  ...FIRST_LINES,
  ...HOSTS,
  ...VERSIONS,
  ...FORWARDED,
];
