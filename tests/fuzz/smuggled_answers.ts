/** Bytes that an endpoint answers one request with, and what the client must get. */
export interface SmuggledAnswer {
  name: string;
  /** Of the request; default: GET. */
  method?: string;
  bytes: string;
  /** The endpoint closes after it. */
  closes?: true;
  /**
   * `refused`: 502 in its place. `cut`: no whole answer. Else the first line, and the body as a client that knows the
   * method reads it; interim answers before it are not looked at.
   */
  gets: "refused" | "cut" | { first: string; body: string };
}

const OK = "HTTP/1.1 200 OK\r\n";
const SECOND = "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\npoisoned";

function refused(rows: readonly (readonly [name: string, bytes: string])[]): SmuggledAnswer[] {
  return rows.map(([name, bytes]) => ({ name, bytes, gets: "refused" }));
}

function got(status: string, body: string): { first: string; body: string } {
  return { first: `HTTP/1.1 ${status}`, body };
}

const REFUSED = refused([
  ["CL.TE", `${OK}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
  ["TE.CL", `${OK}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n`],
  ["CL.CL", `${OK}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!`],
  ["a list of lengths", `${OK}Content-Length: 5, 5\r\n\r\nhello`],
  ["a length with plus", `${OK}Content-Length: +5\r\n\r\nhello`],
  ["a negative length", `${OK}Content-Length: -5\r\n\r\nhello`],
  ["an empty length", `${OK}Content-Length:\r\n\r\nhello`],
  ["another coding", `${OK}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`],
  ["two codings", `${OK}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
  ["a coding that is folded", `${OK}Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n`],
  ["a space before the colon", `${OK}Content-Length : 5\r\n\r\nhello`],
  ["a folded field", `${OK}X-A: b\r\n c\r\nContent-Length: 0\r\n\r\n`],
  ["LF in the head", `${OK}X-A: b\nContent-Length: 5\r\n\r\nhello`],
  ["CR in the head", `${OK}X-A: b\rContent-Length: 5\r\n\r\nhello`],
  ["NUL in the head", `${OK}X-A: \0\r\nContent-Length: 0\r\n\r\n`],
  ["LF after the status line", "HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n"],
  ["LF as the end of the head", `${OK}Content-Length: 0\r\n\n`],
  ["no version", "200 OK\r\n\r\n"],
  ["HTTP/2.0", "HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n"],
  ["HTTP/0.9", "hello"],
  ["a status of two digits", "HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n"],
  ["a status of four digits", "HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n"],
  ["a status below 100", "HTTP/1.1 099 No\r\nContent-Length: 0\r\n\r\n"],
  ["a status above 599", "HTTP/1.1 600 No\r\nContent-Length: 0\r\n\r\n"],
  ["a status with a sign", "HTTP/1.1 +20 OK\r\nContent-Length: 0\r\n\r\n"],
  ["an empty line before the answer", `\r\n${OK}Content-Length: 0\r\n\r\n`],
  ["a chunk of size 0x5", `${OK}Transfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n`],
  ["a chunk with LF", `${OK}Transfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n`],
  [
    "a chunk beyond 64 bits",
    `${OK}Transfer-Encoding: chunked\r\n\r\n10000000000000005\r\nhello\r\n0\r\n\r\n`,
  ],
  [
    "a length as a trailer",
    `${OK}Transfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 8\r\n\r\n`,
  ],
  [
    "a switch of protocols that nobody asked for",
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n",
  ],
  ["a head of 20 KB", `${OK}X-A: ${"a".repeat(20_000)}\r\n\r\n`],
]).map((one) => ({ ...one, closes: true as const }));

const PASSED: readonly SmuggledAnswer[] = [
  {
    name: "a second answer behind the first",
    bytes: `${OK}Content-Length: 5\r\n\r\nhello${SECOND}`,
    gets: got("200 OK", "hello"),
  },
  {
    name: "a second answer behind chunks",
    bytes: `${OK}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n${SECOND}`,
    gets: got("200 OK", "5\r\nhello\r\n0\r\n\r\n"),
  },
  { name: "HEAD answered with a body", method: "HEAD", bytes: SECOND, gets: got("200 OK", "") },
  {
    name: "HEAD answered with chunks",
    method: "HEAD",
    bytes: `${OK}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    gets: got("200 OK", ""),
  },
  {
    name: "204 with a body",
    bytes: `HTTP/1.1 204 No Content\r\nContent-Length: ${SECOND.length}\r\n\r\n${SECOND}`,
    gets: got("204 No Content", ""),
  },
  {
    name: "204 with chunks",
    bytes: "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    gets: got("204 No Content", ""),
  },
  {
    name: "304 with the length of what it stands for",
    bytes: "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
    gets: got("304 Not Modified", ""),
  },
  {
    name: "304 with a body",
    bytes: `HTTP/1.1 304 Not Modified\r\nContent-Length: ${SECOND.length}\r\n\r\n${SECOND}`,
    gets: got("304 Not Modified", ""),
  },
  {
    name: "an interim answer with a length",
    bytes:
      `HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\n${OK}Content-Length: 5\r\n\r\nhello`,
    gets: got("200 OK", "hello"),
  },
  {
    name: "an interim answer with chunks",
    bytes:
      `HTTP/1.1 100 Continue\r\nTransfer-Encoding: chunked\r\n\r\n${OK}Content-Length: 5\r\n\r\nhello`,
    gets: got("200 OK", "hello"),
  },
  {
    name: "an interim answer that would close",
    bytes:
      `HTTP/1.1 103 Early Hints\r\nConnection: close\r\n\r\n${OK}Content-Length: 5\r\n\r\nhello`,
    gets: got("200 OK", "hello"),
  },
  { name: "until close", bytes: `${OK}\r\nhello`, closes: true, gets: got("200 OK", "hello") },
  {
    name: "HTTP/1.0 until close",
    bytes: "HTTP/1.0 200 OK\r\n\r\nhello",
    closes: true,
    gets: got("200 OK", "hello"),
  },
  {
    name: "chunks in HTTP/1.0",
    bytes:
      `HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${SECOND}`,
    gets: got("200 OK", "0\r\n\r\n"),
  },
  {
    name: "a body that is cut",
    bytes: `${OK}Content-Length: 50\r\n\r\nhello`,
    closes: true,
    gets: "cut",
  },
  {
    name: "chunks that are cut",
    bytes: `${OK}Transfer-Encoding: chunked\r\n\r\n5\r\nhel`,
    closes: true,
    gets: "cut",
  },
  {
    name: "a chunk that is cut at its size",
    bytes: `${OK}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0`,
    closes: true,
    gets: "cut",
  },
];

/** Answers that are known to make a reader take a part of one for the next, and their harmless relatives. */
export const SMUGGLED_ANSWERS: readonly SmuggledAnswer[] = [...REFUSED, ...PASSED];
