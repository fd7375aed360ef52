/** What the front relies on, and what it works around: each fails when the runtime has changed. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { Sockets } from "../../lib/linux/sockets.ts";
import { socketOn, threadObstacle } from "./thread_front.ts";

const ignore = threadObstacle() !== undefined; // install OpenSSL 3 (libssl3)
const REQUEST = "GET / HTTP/1.1\r\nhost: x\r\n\r\n";

Deno.test({
  name:
    "canary: a socket stands on a descriptor, passes on ends one by one, and gives the descriptor back",
  ignore,
  fn: async () => {
    const [one, two] = pair();
    const closed = [one, two].map(closeOf);
    one.write("hello");
    assert.equal(String((await once(two, "data"))[0]), "hello");
    one.end();
    two.resume();
    await once(two, "end");
    two.end("still here");
    assert.equal(String((await once(one, "data"))[0]), "still here");
    one.resume();
    await Promise.all(closed);
  },
});

Deno.test({
  name: "canary: a paused socket is not read, so that its sender has to wait",
  ignore,
  fn: async () => {
    const [one, two] = pair();
    two.pause();
    let taken = 0;
    for (; taken < 64 && one.write(new Uint8Array(1 << 20)); taken++);
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.ok(two.bytesRead < 1 << 20, `${two.bytesRead} bytes were read`);
    const closed = [one, two].map(closeOf);
    one.destroy();
    two.destroy();
    await Promise.all(closed);
  },
});

Deno.test({
  name:
    "canary: node:http closes after each answer while its server does not listen, so that we say that it does",
  ignore,
  fn: async () => {
    assert.equal(await answersOnOneConnection({ claimsToListen: false }), 1);
    assert.equal(await answersOnOneConnection({ claimsToListen: true }), 2);
  },
});

Deno.test({
  name:
    "canary: when nothing waits in an answer, the kernel has all the bytes that its socket counts",
  ignore,
  fn: async () => {
    const server = createServer();
    Object.defineProperty(server, "listening", { get: () => true });
    const [client, served] = pair();
    const closed = [client, served].map(closeOf);
    server.emit("connection", served);
    let received = 0;
    client.on("data", ({ length }) => received += length);
    client.write(REQUEST);
    const [, answer] = await once(server, "request") as [IncomingMessage, ServerResponse];
    answer.writeHead(200, { "content-type": "text/plain", warning: '299 - "\u00e4"' });
    answer.flushHeaders();
    for (const text of ["", "a", "\u20ac", "x".repeat(300_000), "y"]) {
      if (text !== "") answer.write(text);
      while (answer.writableLength > 0) await new Promise((resolve) => setTimeout(resolve, 1));
      const counted = served.bytesWritten;
      await new Promise((resolve) => setTimeout(resolve, 20));
      assert.equal(received, counted, text.slice(0, 1));
    }
    client.destroy();
    served.destroy();
    await Promise.all(closed);
  },
});

/** How many of two requests, one after the other, are answered. */
async function answersOnOneConnection(
  { claimsToListen }: { claimsToListen: boolean },
): Promise<number> {
  const server = createServer((_: IncomingMessage, answer: ServerResponse) =>
    void answer.end("ok")
  );
  if (claimsToListen) Object.defineProperty(server, "listening", { get: () => true });
  const [client, served] = pair();
  server.emit("connection", served);
  let answers = 0;
  client.on("data", (bytes) => {
    answers += String(bytes).split("HTTP/1.1 200").length - 1;
    if (answers === 2) client.end();
    else client.write(REQUEST);
  });
  client.on("end", () => client.end());
  const closed = [client, served].map(closeOf);
  client.write(REQUEST);
  await closed[0];
  served.destroy();
  await closed[1];
  return answers;
}

function closeOf(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once("close", () => resolve()));
}

function pair(): [Socket, Socket] {
  const [one, two] = Sockets.open()!.pair()!;
  const sockets: [Socket, Socket] = [socketOn(one), socketOn(two)];
  for (const socket of sockets) socket.on("error", () => socket.destroy());
  return sockets;
}
