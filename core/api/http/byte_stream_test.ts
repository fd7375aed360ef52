import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, get, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { SocketStream } from "./byte_stream.ts";
import { enroll, type FanOut, httpChunk } from "./fan_out.ts";

/** A fan-out whose peers have room when the test says so. */
class HeldFanOut implements FanOut {
  readonly written: string[] = [];
  readonly waiting: (() => void)[] = [];

  readonly lent: Uint8Array[] = [];
  hasRoomToLend = true;

  enter(): void {}

  lend(_connection: number, bytes: Uint8Array): Promise<void> {
    this.lent.push(bytes);
    this.written.push(new TextDecoder().decode(bytes));
    return Promise.resolve();
  }

  write(_connections: readonly number[], parts: readonly Uint8Array[]): void {
    for (const part of parts) this.written.push(new TextDecoder().decode(part));
  }

  afterWrites(act: () => void): void {
    this.waiting.push(act);
  }
}

async function bodyOf(answer: IncomingMessage): Promise<string> {
  let body = "";
  for await (const piece of answer) body += piece;
  return body;
}

/** An answer of a server whose connections are of the fan-out: the stream that writes it, and what arrives by its socket. */
async function answered(
  fanOut: FanOut,
  headers: Record<string, string>,
  act: (stream: SocketStream, answer: IncomingMessage) => Promise<void>,
): Promise<void> {
  const hasLength = "content-length" in headers;
  let stream: SocketStream | undefined;
  const server = createServer((request, outgoing) => {
    enroll(request.socket, { fanOut, connection: 1 });
    outgoing.writeHead(200, headers);
    outgoing.flushHeaders();
    stream = new SocketStream(outgoing, { hasLength });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const answer = await new Promise<IncomingMessage>((resolve) =>
    get({ port, agent: false }, resolve)
  );
  answer.on("error", () => {}); // fewer bytes than its length arrive by the socket
  await stream!.drained();
  await act(stream!, answer);
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}

const bytes = (text: string) => new TextEncoder().encode(text);

Deno.test("what is lent to an answer of known length is not copied, and is not framed", async () => {
  const fanOut = new HeldFanOut();
  await answered(fanOut, { "content-length": "10" }, async (stream) => {
    const first = bytes("first");
    await stream.lend(first);
    assert.equal(fanOut.lent[0], first);
    stream.write(bytes(" last"));
    assert.deepEqual(fanOut.written, ["first", " last"]);
  });
});

Deno.test("what is lent to an answer in chunks is one", async () => {
  const fanOut = new HeldFanOut();
  await answered(fanOut, {}, async (stream) => {
    await stream.lend(bytes("first chunk"));
    assert.deepEqual(fanOut.written, ["b\r\n", "first chunk", "\r\n"]);
  });
});

Deno.test("an answer that begins when there is no room to lend writes to its socket; one that has begun goes on", async () => {
  const fanOut = new HeldFanOut();
  fanOut.hasRoomToLend = false;
  await answered(fanOut, {}, async (stream, answer) => {
    assert.equal(stream.lend(bytes("copied")), undefined);
    stream.write(bytes("copied"));
    await stream.drained();
    const [piece] = await once(answer, "data");
    assert.equal(String(piece), "copied");
    fanOut.hasRoomToLend = true;
    await stream.lend(bytes("lent"));
    fanOut.hasRoomToLend = false;
    await stream.lend(bytes("more"));
    assert.deepEqual(fanOut.written, ["4\r\n", "lent", "\r\n", "4\r\n", "more", "\r\n"]);
  });
});

Deno.test("an answer whose end shows only by the end of its connection lends nothing", async () => {
  const fanOut = new HeldFanOut();
  await answered(fanOut, { "transfer-encoding": "identity", connection: "close" }, (stream) => {
    assert.equal(stream.lend(bytes("more")), undefined);
    return Promise.resolve();
  });
});

Deno.test("the end of an answer that is written with others waits for what was written before, and nothing comes after it", async () => {
  const fanOut = new HeldFanOut();
  const streams: SocketStream[] = [];
  const server = createServer((request, outgoing) => {
    enroll(request.socket, { fanOut, connection: 1 });
    outgoing.writeHead(200);
    outgoing.flushHeaders();
    streams.push(new SocketStream(outgoing));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const answer = await new Promise<IncomingMessage>((resolve) =>
    get({ port, agent: false }, resolve)
  );
  const [stream] = streams;
  await stream!.drained();
  assert.ok(stream!.member());
  stream!.write(new TextEncoder().encode("last"));
  let hasEnded = false;
  const body = bodyOf(answer).finally(() => hasEnded = true);
  stream!.end();
  stream!.end();
  stream!.write(new TextEncoder().encode("too late"));
  assert.equal(stream!.member(), undefined);
  await (await fetch(`http://127.0.0.1:${port}/`)).body?.cancel();
  assert.deepEqual([hasEnded, fanOut.waiting.length], [false, 1]);
  assert.equal(
    fanOut.written.join(""),
    httpChunk(new TextEncoder().encode("last")).map((part) => new TextDecoder().decode(part)).join(
      "",
    ),
  );
  fanOut.waiting[0]!();
  assert.equal(await body, "");
  assert.equal(stream!.gone.aborted, true);
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});
