import assert from "node:assert/strict";
import { readAnswer, requestBytes, requestHeaders } from "./http_message.ts";

const OF = { host: "10.0.0.1:80", agent: "kube-probe/1.34" };

const ANSWERS: [title: string, pieces: string[], status: number, body: string][] = [
  ["in one piece", ["HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokmore"], 200, "ok"],
  ["byte by byte", [..."HTTP/1.0 404 Not Found\r\n\r\nno"], 404, "no"],
  ["without a reason", ["HTTP/1.1 204\r\n\r\n"], 204, ""],
  ["with bare line feeds", ["HTTP/1.1 200 OK\nContent-Length: 1\n\nx"], 200, "x"],
  ["after a first word", ["HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 503 No\r\n\r\n"], 503, ""],
  [
    "in chunks",
    [
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=1\r\nabc\r\n",
      "2\r\nde\r\n0\r\n\r\n",
    ],
    200,
    "abcde",
  ],
  ["that is too long", [`HTTP/1.1 200 OK\r\n\r\n${"x".repeat(20_000)}`], 200, "x".repeat(10_240)],
  ["in other letters", ["HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n\xc3\xa4"], 200, "ä"],
];
for (const [title, pieces, status, body] of ANSWERS) {
  Deno.test(`an answer ${title} is read`, async () => {
    const answer = await read(...pieces);
    assert.deepEqual([answer.status, answer.body], [status, body]);
  });
}

Deno.test("an answer is over when it says so, also when its connection stays open", async () => {
  const open = ["HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", "ok"];
  const answer = await readAnswer(reader(open, () => new Promise(() => {})));
  assert.equal(answer.body, "ok");
});

Deno.test("what is no answer is refused in Go's words", async () => {
  await assert.rejects(read(), /^Error: EOF$/);
  await assert.rejects(read("HTTP/1.1 200 OK\r\nX: y"), /^Error: unexpected EOF$/);
  await assert.rejects(read("SSH-2.0-x\r\n\r\n"), /malformed HTTP response "SSH-2\.0-x"$/);
  await assert.rejects(
    read(`HTTP/1.1 200 OK\r\n${"X: y\r\n".repeat(20_000)}`, "\r\n"),
    /response headers exceeded 65536 bytes/,
  );
});

Deno.test("a request has the headers of the pod, and those of the kubelet where it has none", () => {
  const text = (given: [string, string][]) => {
    const headers = requestHeaders(given.map(([name, value]) => ({ name, value })), OF);
    return new TextDecoder().decode(requestBytes("/x?y", headers)).split("\r\n");
  };
  assert.deepEqual(text([]), [
    ...["GET /x?y HTTP/1.1", "Host: 10.0.0.1:80", "User-Agent: kube-probe/1.34", "Accept: */*"],
    ...["Connection: close", "", ""],
  ]);
  assert.deepEqual(text([["host", "shop"], ["x-a", "1"], ["X-A", "2"], ["accept", ""]]), [
    ...["GET /x?y HTTP/1.1", "Host: shop", "User-Agent: kube-probe/1.34", "X-A: 1", "X-A: 2"],
    ...["Connection: close", "", ""],
  ]);
  for (const value of ["a\r\nX-B: 1", "a\nb", "a\0", "a\x7f"]) {
    assert.throws(() => text([["X-A", value]]), /invalid header field value for "X-A"/);
  }
});

function read(...pieces: string[]) {
  return readAnswer(reader(pieces, () => Promise.resolve(null)));
}

/** Gives as much at once as its reader takes. */
function reader(pieces: readonly string[], then: () => Promise<null>) {
  const rest = pieces.map((piece) => Uint8Array.from(piece, (each) => each.charCodeAt(0)));
  return (buffer: Uint8Array): Promise<number | null> => {
    const first = rest.shift();
    if (first === undefined) return then();
    buffer.set(first.subarray(0, buffer.length));
    if (first.length > buffer.length) rest.unshift(first.subarray(buffer.length));
    return Promise.resolve(Math.min(first.length, buffer.length));
  };
}
