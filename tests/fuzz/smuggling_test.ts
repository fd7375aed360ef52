import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Proxy } from "../../proxy/threads/proxy.ts";
import { backendAt, tableOf, withListener, withProxy } from "../../proxy/threads/proxy_fixture.ts";
import { SMUGGLED_REQUESTS, type SmuggledRequest } from "./smuggled_requests.ts";
import { readAll, StrictEndpoint, writeAll } from "./strict_endpoint.ts";
import { contentOf, type Message, messagesIn, nameOf } from "./strict_http.ts";

/** Follows each case on its connection: it is served when the case was read to its end, and ends the connection. */
const END = "GET /end HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

Deno.test("what a client sends is refused, or comes to a strict endpoint as exactly these requests", () => {
  const endpoint = new StrictEndpoint();
  return withListener(
    (connection) => endpoint.serve(connection),
    (backendPort) =>
      withProxy(async (proxy) => {
        const port = await portOf(proxy, backendPort);
        await eachOf(SMUGGLED_REQUESTS, async (one) => {
          endpoint.requests = [];
          const answers = await answersTo(port, one);
          assert.deepEqual(endpoint.faults.splice(0), []);
          const isServedOn = one.forwarded !== undefined && !one.ends;
          const end = isServedOn ? endpoint.requests.pop() : undefined;
          assert.deepEqual(endpoint.requests.map(wireOf), one.forwarded ?? []);
          assert.equal(end && nameOf(end), isServedOn ? "GET /end" : undefined);
          assertAnswered(one, answers);
        });
      }),
  );
});

Deno.test("another reader, that of node:http, sees the same requests", () => {
  const seen: string[] = [];
  return withNodeServer((name) => seen.push(name), (backendPort) =>
    withProxy(async (proxy) => {
      const port = await portOf(proxy, backendPort);
      await eachOf(SMUGGLED_REQUESTS, async (one) => {
        seen.length = 0;
        const answers = await answersTo(port, one);
        const { messages } = messagesIn((one.forwarded ?? []).join(""));
        const expected = messages.map((message) => `${nameOf(message)} ${contentOf(message)}`);
        if (one.forwarded !== undefined && !one.ends) expected.push("GET /end ");
        assert.deepEqual(seen, expected);
        if (one.refused) assertAnswered(one, answers);
      });
    }));
});

/** Runs all cases, so that one that fails does not hide the next. */
async function eachOf<C extends { name: string }>(
  cases: readonly C[],
  run: (one: C) => Promise<void>,
): Promise<void> {
  const faults: string[] = [];
  for (const one of cases) {
    try {
      await run(one);
    } catch (error) {
      faults.push(`${one.name}: ${error instanceof Error ? error.message : error}`);
    }
  }
  assert.equal(faults.join("\n"), "");
}

/** The refusal is the last word of the connection; each forwarded request has its own answer. */
function assertAnswered(
  { refused, forwarded = [], ends }: SmuggledRequest,
  answers: string,
): void {
  const { messages } = messagesIn(forwarded.join(""));
  const names = [...messages.map(nameOf), ...refused || ends ? [] : ["GET /end"]];
  const methods = names.map((name) => name.split(" ")[0]!);
  const read = messagesIn(answers, methods);
  assert.equal(read.rest, "");
  const statuses = read.messages.map(({ first }) => Number(first.split(" ")[1]));
  if (refused) {
    assert.equal(statuses.length, 1, answers);
    assert.ok(refused.includes(statuses[0]!), answers);
  } else {
    assert.deepEqual(
      read.messages.map(({ body }) => body),
      names.map((name) => name.startsWith("HEAD") ? "" : name),
    );
  }
}

/** All that a client gets that sends a case and {@linkcode END}, and waits for the end of the connection. */
async function answersTo(port: number, { bytes }: SmuggledRequest): Promise<string> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  try {
    await writeAll(connection, bytes + END);
    return await readAll(connection);
  } finally {
    connection.close();
  }
}

function wireOf({ first, fields, body }: Message): string {
  return [first, ...fields, "", body].join("\r\n");
}

async function portOf(proxy: Proxy, backendPort: number): Promise<number> {
  const { listening } = await proxy.use(tableOf([[1, backendAt("b", backendPort)]]));
  return listening[0]!.port;
}

/** A server of node:http, which tells of each request that it has read whole. */
async function withNodeServer(
  onRequest: (name: string) => void,
  test: (port: number) => Promise<void>,
): Promise<void> {
  const server = createServer((incoming, outgoing) => {
    const chunks: Uint8Array[] = [];
    incoming.on("data", (chunk: Uint8Array) => chunks.push(chunk));
    incoming.on("end", () => {
      const name = `${incoming.method} ${incoming.url}`;
      onRequest(
        `${name} ${
          new TextDecoder("latin1").decode(Uint8Array.from(chunks.flatMap((chunk) => [...chunk])))
        }`,
      );
      outgoing.end(name);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    await test((server.address() as AddressInfo).port);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}
