import assert from "node:assert/strict";
import { createServer, get, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { SocketStream } from "./byte_stream.ts";
import { enroll, type FanOut, httpChunk } from "./fan_out.ts";

/** A fan-out whose peers have room when the test says so. */
class HeldFanOut implements FanOut {
  readonly written: string[] = [];
  readonly waiting: (() => void)[] = [];

  enter(): void {}

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
