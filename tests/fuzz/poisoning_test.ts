import assert from "node:assert/strict";
import { backendAt, tableOf, withListener, withProxy } from "../../proxy/threads/proxy_fixture.ts";
import { SMUGGLED_ANSWERS, type SmuggledAnswer } from "./smuggled_answers.ts";
import { answerTo, readAll, writeAll } from "./strict_endpoint.ts";
import { asText, messagesIn, nameOf } from "./strict_http.ts";

/** Framing that must not be in an answer without a body: some readers would wait for one. */
const FRAMING = /^(content-length|transfer-encoding|connection):/i;

Deno.test("what an endpoint answers is refused, or is the answer to its own request and no other", () => {
  const endpoint = new PoisonousEndpoint();
  return withListener(
    (connection) => endpoint.serve(connection),
    (backendPort) =>
      withProxy(async (proxy) => {
        const { listening } = await proxy.use(tableOf([[1, backendAt("b", backendPort)]]));
        const faults: string[] = [];
        for (const one of SMUGGLED_ANSWERS) {
          endpoint.poison = one;
          const got = await twoAnswers(listening[0]!.port, one);
          try {
            assertOwn(one, got);
          } catch (error) {
            faults.push(
              `${one.name}: ${error instanceof Error ? error.message : error}\n${
                JSON.stringify(got)
              }`,
            );
          }
        }
        assert.equal(faults.join("\n"), "");
      }),
  );
});

Deno.test("an endpoint that answers before the body has come gets nothing more on that connection", () => {
  let connections = 0;
  const serve = async (connection: Deno.TcpConn) => {
    connections++;
    let text = "";
    const buffer = new Uint8Array(64 * 1024);
    for (let count = await connection.read(buffer); count; count = await connection.read(buffer)) {
      text += asText(buffer.subarray(0, count));
      if (text.includes("\r\n\r\n")) {
        await writeAll(connection, answerTo(text.split(" ", 2).join(" ")));
      }
      text = text.slice(text.indexOf("\r\n\r\n") + 4);
    }
  };
  return withListener(serve, (backendPort) =>
    withProxy(async (proxy) => {
      const { listening } = await proxy.use(tableOf([[1, backendAt("b", backendPort)]]));
      const port = listening[0]!.port;
      const inner = "GET /inner HTTP/1.1\r\nHost: a\r\n\r\n";
      const client = await Deno.connect({ hostname: "127.0.0.1", port });
      await writeAll(
        client,
        `POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: ${inner.length}\r\n\r\n`,
      );
      const first = await readUntil(client, "POST /early");
      await writeAll(client, inner + inner).catch(() => {}); // it may be closed already
      const { messages, rest } = messagesIn(first + await readAll(client), ["POST", "GET"]);
      client.close();
      assert.deepEqual([messages.map(({ body }) => body), rest], [["POST /early"], ""]);
      assert.ok(messages[0]!.fields.includes("Connection: close"));
      const after = await exchanged(
        port,
        "GET /next HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
      );
      assert.match(after, /GET \/next$/);
      assert.equal(connections, 2);
    }));
});

async function readUntil(connection: Deno.Conn, end: string): Promise<string> {
  const buffer = new Uint8Array(64 * 1024);
  let text = "";
  while (!text.endsWith(end)) {
    const count = await connection.read(buffer);
    assert.ok(count, "the connection has ended");
    text += asText(buffer.subarray(0, count));
  }
  return text;
}

/** What a client gets that asks twice on one connection, and once more on another for what it got no answer to. */
async function twoAnswers(
  port: number,
  { method = "GET" }: SmuggledAnswer,
): Promise<[string, string]> {
  const next = "GET /next HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
  const both = await exchanged(port, `${method} /poison HTTP/1.1\r\nHost: a\r\n\r\n${next}`);
  return [both, await exchanged(port, next)];
}

async function exchanged(port: number, text: string): Promise<string> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  try {
    await writeAll(connection, text);
    return await readAll(connection);
  } finally {
    connection.close();
  }
}

function assertOwn(
  { method = "GET", gets }: SmuggledAnswer,
  [both, after]: [string, string],
): void {
  assert.equal(messagesIn(after, ["GET"]).messages[0]?.body, "GET /next");
  assert.doesNotMatch(both + after, /poisoned/);
  const { messages, rest } = messagesIn(both, [method, "GET"]);
  const interim = messages.filter(({ first }) => /^HTTP\/1\.1 1/.test(first));
  const [answer, next] = messages.filter((message) => !interim.includes(message));
  if (gets === "cut") return assert.deepEqual([answer, rest === ""], [undefined, false]);
  for (const { fields } of interim) {
    assert.ok(!fields.some((field) => FRAMING.test(field)), "an interim answer with framing");
  }
  if (gets === "refused") assert.match(answer?.first ?? both, /^HTTP\/1\.1 502 /);
  else assert.deepEqual({ first: answer?.first, body: answer?.body }, gets);
  if (answer!.first.includes(" 204 ")) {
    assert.ok(!answer!.fields.some((field) => FRAMING.test(field)), "204 with framing");
  }
  if (next) assert.equal(next.body, "GET /next");
  assert.equal(rest, "");
}

/** Answers `/poison` with the bytes of a case, and all else with its name. */
class PoisonousEndpoint {
  poison: SmuggledAnswer | undefined;

  async serve(connection: Deno.TcpConn): Promise<void> {
    const buffer = new Uint8Array(64 * 1024);
    let text = "";
    for (;;) {
      const count = await connection.read(buffer);
      if (count === null) return connection.close();
      const read = messagesIn(text + asText(buffer.subarray(0, count)));
      text = read.rest;
      for (const name of read.messages.map(nameOf)) {
        const isPoison = name.endsWith(" /poison");
        await writeAll(connection, isPoison ? this.poison!.bytes : answerTo(name));
        if (isPoison && this.poison!.closes) return connection.close();
      }
    }
  }
}
