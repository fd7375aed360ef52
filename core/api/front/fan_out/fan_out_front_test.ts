import assert from "node:assert/strict";
import { SystemClock } from "../../../lib/clock.ts";
import { type ApiFixture, freshApi, TOKEN } from "../../api_fixture.ts";
import { serveOnLoopback, testCredentials } from "../../remote_fixture.ts";
import type { Served } from "../served.ts";
import { threadObstacle } from "../thread_front.ts";

const PATH = "/api/v1/namespaces/default/configmaps";
const WATCHERS = 20;
const PAST = 30;
const EVENTS = 200;
const LARGE = "x".repeat(200_000);

function test(name: string, act: (fixture: ApiFixture, served: Served) => Promise<void>): void {
  Deno.test({
    name,
    ignore: threadObstacle() !== undefined, // install OpenSSL 3 (libssl3)
    fn: async () => {
      const fixture = await freshApi({ clock: new SystemClock() });
      const options = { front: "tls-thread" } as const;
      const served = await serveOnLoopback(fixture, await testCredentials, options);
      try {
        await act(fixture, served);
      } finally {
        await served.stop(AbortSignal.abort());
      }
    },
  });
}

/** As HTTP has it: the request line's rest and more headers. */
async function asks(served: Served, rest: string, more = ""): Promise<Deno.TlsConn> {
  const { authority } = await testCredentials;
  const { port } = served.address;
  const caCerts = [authority];
  const connection = await Deno.connectTls({ hostname: "127.0.0.1", port, caCerts });
  await send(connection, rest, more);
  return connection;
}

async function send(connection: Deno.TlsConn, rest: string, more = ""): Promise<void> {
  const head = `GET ${rest}\r\nhost: x\r\nauthorization: Bearer ${TOKEN}\r\n${more}\r\n`;
  await connection.write(new TextEncoder().encode(head));
}

async function textUntil(connection: Deno.TlsConn, end: string): Promise<string> {
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(65_536);
  const pieces: string[] = [];
  let tail = "";
  while (!tail.includes(end)) {
    const read = await connection.read(buffer).catch(() => null);
    if (read === null) break;
    const piece = decoder.decode(buffer.subarray(0, read), { stream: true });
    pieces.push(piece);
    tail = tail.slice(-end.length) + piece;
  }
  return pieces.join("");
}

function names(lines: string): string[] {
  return [...lines.matchAll(/"type":"ADDED","object":\{[^\n]*?"name":"([^"]+)"/g)].map(([, name]) =>
    name!
  );
}

const create = ({ ask }: ApiFixture, name: string, text = "") =>
  ask("POST", PATH, { metadata: { name }, data: { text } });

test(
  "every watcher hears the past, then all that happens, in order and whole, then the end",
  async (fixture, served) => {
    const { authority } = await testCredentials;
    const url = `https://127.0.0.1:${served.address.port}${PATH}?watch=true`;
    const headers = { authorization: `Bearer ${TOKEN}` };
    using client = Deno.createHttpClient({ caCerts: [authority] });
    for (let index = 0; index < PAST; index++) await create(fixture, `past-${index}`);
    const answers = await Promise.all(
      Array.from({ length: WATCHERS }, () => fetch(url, { client, headers })),
    );
    const texts = answers.map((answer) => answer.text());
    const expected = Array.from({ length: PAST }, (_, index) => `past-${index}`).sort();
    for (let index = 0; index < EVENTS; index++) {
      expected.push(`new-${index}`);
      await create(fixture, `new-${index}`, index % 50 === 0 ? LARGE : "");
      if (index % 20 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    }
    fixture.api.endStreams();
    for (const text of await Promise.all(texts)) assert.deepEqual(names(text), expected);
  },
);

test(
  "a watch that ends leaves its connection to the next request, also to another watch",
  async (fixture, served) => {
    const watch = `${PATH}?watch=true&timeoutSeconds=1&allowWatchBookmarks=true HTTP/1.1`;
    using connection = await asks(served, watch);
    for (const name of ["one", "two"]) {
      await new Promise((resolve) => setTimeout(resolve, 100)); // it has begun
      await create(fixture, name);
      const text = await textUntil(connection, "\r\n0\r\n\r\n");
      assert.match(text, /^HTTP\/1.1 200 /);
      assert.ok(text.indexOf(`"name":"${name}"`) < text.indexOf("BOOKMARK"), text);
      await send(connection, "/livez HTTP/1.1");
      assert.match(await textUntil(connection, "\r\n\r\nok"), /^HTTP\/1.1 200 [^]*\r\n\r\nok$/);
      await send(connection, watch);
    }
  },
);

test("who speaks HTTP/1.0 gets lines without the sizes of chunks", async (fixture, served) => {
  using connection = await asks(served, `${PATH}?watch=true HTTP/1.0`);
  await textUntil(connection, "\r\n\r\n");
  for (const name of ["one", "two", "three"]) await create(fixture, name);
  const text = await textUntil(connection, `"name":"three"`);
  assert.deepEqual(text.match(/^[0-9a-f]+\r$/gm), null);
  assert.deepEqual(names(text), ["one", "two", "three"]);
});

test(
  "a watcher that reads nothing is cut off, and the others hear all",
  async (fixture, served) => {
    using deaf = await asks(served, `${PATH}?watch=true HTTP/1.1`);
    using other = await asks(served, `${PATH}?watch=true HTTP/1.1`);
    await Promise.all([deaf, other].map((connection) => textUntil(connection, "\r\n\r\n")));
    const writes = 100; // some of them fit into the sockets of the kernel
    for (let index = 0; index < writes; index++) {
      await create(fixture, `new-${index}`, LARGE);
      const heard = await textUntil(other, "}\n\r\n");
      assert.deepEqual(names(heard), [`new-${index}`]);
    }
    const rest = await textUntil(deaf, `"name":"new-${writes - 1}"`);
    assert.ok(names(rest).length < writes, "it was cut off");
  },
);

test(
  "large lists come whole, one after the other on one connection, at the pace of a slow reader",
  async (fixture, served) => {
    const count = 30;
    for (let index = 0; index < count; index++) await create(fixture, `map-${index}`, LARGE);
    using connection = await asks(served, `${PATH} HTTP/1.1`);
    for (let answer = 0; answer < 3; answer++) {
      const buffer = new Uint8Array(16_384);
      let [text, length, end] = ["", 0, Infinity];
      for (let reads = 0; length < end; reads++) {
        if (reads % 100 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
        const read = await connection.read(buffer) ?? 0;
        text += new TextDecoder("latin1").decode(buffer.subarray(0, read));
        length += read;
        if (end === Infinity && text.includes("\r\n\r\n")) {
          const bodyLength = Number(/content-length: (\d+)/i.exec(text)![1]);
          end = text.indexOf("\r\n\r\n") + 4 + bodyLength;
        }
      }
      const { items } = JSON.parse(text.slice(text.indexOf("\r\n\r\n")));
      assert.deepEqual([length, items.length], [end, count]);
      assert.ok(items.every(({ data }: { data: { text: string } }) => data.text === LARGE));
      await send(connection, `${PATH} HTTP/1.1`);
    }
  },
);

test(
  "whoever asks for a large list again gets what is there now, and those who still read it what was there then",
  async (fixture, served) => {
    for (let index = 0; index < 20; index++) await create(fixture, `map-${index}`, LARGE);
    const listed = (text: string) => {
      const { items } = JSON.parse(text.slice(text.indexOf("\r\n\r\n")));
      return items.map(({ metadata, data }: { metadata: { name: string }; data: object }) =>
        `${metadata.name} ${JSON.stringify(data) === JSON.stringify({ text: LARGE })}`
      );
    };
    const rest = `${PATH} HTTP/1.1`;
    const end = "]}\n";
    const expected = Array.from({ length: 20 }, (_, index) => `map-${index} true`).sort();
    using connection = await asks(served, rest);
    assert.deepEqual(listed(await textUntil(connection, end)), expected);
    await send(connection, rest);
    assert.deepEqual(listed(await textUntil(connection, end)), expected);
    using slow = await asks(served, rest);
    using leaving = await asks(served, rest);
    await textUntil(leaving, "map-0"); // and reads no more
    await create(fixture, "last", LARGE);
    await fixture.ask("DELETE", `${PATH}/map-7`);
    const after = [...expected.filter((one) => one !== "map-7 true"), "last true"].sort();
    for (let times = 0; times < 3; times++) {
      await send(connection, rest);
      assert.deepEqual(listed(await textUntil(connection, end)), after);
    }
    assert.deepEqual(listed(await textUntil(slow, end)), expected);
  },
);
