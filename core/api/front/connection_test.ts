import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { connect, type Socket } from "node:net";
import { Connection } from "./connection.ts";

const AHEAD = 500;

Deno.test("who sends requests ahead has none of them made after one too many", async () => {
  let made = 0;
  const server = createServer(({ socket }) => {
    made++;
    if (made < 3) return;
    const connection = new Connection(socket as Socket, "127.0.0.1", "head", 0);
    connection.takeNoMoreRequests();
    socket.destroy();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  const client = connect(port, "127.0.0.1");
  client.on("error", () => {}); // it is reset
  client.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n".repeat(AHEAD));
  await once(client, "close");
  await new Promise((resolve) => server.close(resolve));
  assert.equal(made, 3);
});
