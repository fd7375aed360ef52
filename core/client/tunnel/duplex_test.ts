import assert from "node:assert/strict";
import { once } from "node:events";
import { Agent, createServer, type IncomingMessage, request } from "node:http";
import type { Duplex } from "node:stream";
import { text } from "node:stream/consumers";
import { duplexOf } from "../../lib/mux/duplex.ts";
import type { StreamKind } from "./tunnel.ts";
import { tunnelPair } from "./tunnel_fixture.ts";

/** Whatever comes is done with the connection. */
function kindOf(use: (connection: Duplex) => void): StreamKind {
  return {
    kind: "raw",
    async answer(stream) {
      const connection = duplexOf(stream);
      use(connection);
      await once(connection, "close").catch(() => {}); // the test looks at the other end
    },
  };
}

Deno.test("HTTP of node:http is spoken over a stream, several requests on one connection", async () => {
  const server = createServer((incoming, outgoing) => {
    void text(incoming).then((body) => outgoing.end(`${incoming.url} ${body.length}`));
  });
  // It listens nowhere, and would close each connection after its first answer if that showed.
  Object.defineProperty(server, "listening", { value: true });
  const pair = tunnelPair({
    ofServer: [kindOf((connection) => server.emit("connection", connection))],
  });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const connection = duplexOf(pair.node.open({ kind: "raw" }));
  Object.assign(agent, { createConnection: () => connection });
  for (const [path, length] of [["/a", 3], ["/b", 500_000], ["/c", 0]] as const) {
    const outgoing = request({ agent, path, method: "POST" });
    outgoing.end("x".repeat(length));
    const [answer] = await once(outgoing, "response") as [IncomingMessage];
    assert.equal(await text(answer), `${path} ${length}`);
  }
  connection.destroy();
  agent.destroy();
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(pair.server.streams, 0);
});

Deno.test("one direction ends before the other, as over TCP", async () => {
  const pair = tunnelPair({
    ofServer: [kindOf((connection) => {
      let all = "";
      connection.setEncoding("utf8").on("data", (part: string) => all += part);
      connection.on("end", () => connection.end(`got ${all}`));
    })],
  });
  const connection = duplexOf(pair.node.open({ kind: "raw" }));
  connection.end("everything");
  assert.equal(await text(connection), "got everything");
});

Deno.test("the end of the tunnel destroys the connection with the reason", async () => {
  const pair = tunnelPair({ ofServer: [kindOf((connection) => connection.on("error", () => {}))] });
  const connection = duplexOf(pair.node.open({ kind: "raw" }));
  const failed = once(connection, "error");
  pair.node.close("the node shuts down");
  assert.equal(String((await failed)[0]), "MuxError: the node shuts down");
});

Deno.test("who destroys the connection resets the stream, and the other end learns why", async () => {
  let other: Duplex | undefined;
  const pair = tunnelPair({ ofServer: [kindOf((connection) => other = connection)] });
  const connection = duplexOf(pair.node.open({ kind: "raw" }));
  connection.write("hello");
  await new Promise((resolve) => setImmediate(resolve));
  const failed = once(other!, "error");
  connection.destroy();
  assert.equal(String((await failed)[0]), "MuxError: the connection was closed");
});
