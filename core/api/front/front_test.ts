import assert from "node:assert/strict";
import { ClientCertificates } from "../access/client_certificates.ts";
import { SystemClock } from "../../lib/clock.ts";
import { type ApiFixture, freshApi, TOKEN } from "../api_fixture.ts";
import { STOP_GRACE_MS } from "./limits.ts";
import { ListenError, type Served } from "./served.ts";
import { loadCredentials } from "../access/pki.ts";
import { inMemory, serveOnLoopback, testCredentials } from "../remote_fixture.ts";

const PODS = "/api/v1/namespaces/default/pods";

interface Running {
  fixture: ApiFixture;
  served: Served;
  url: string;
  /** Trusts the server; says who it is only if asked to. */
  client: Deno.HttpClient;
}

async function withServer(
  act: (running: Running) => Promise<void>,
  more: { handshakeMs?: number; withCertificate?: boolean } = {},
): Promise<void> {
  const credentials = await testCredentials;
  const { authority, admin } = credentials;
  const clock = new SystemClock();
  const fixture = await freshApi({
    clock,
    certificates: new ClientCertificates({ authority, clock }),
  });
  const { handshakeMs } = more;
  const served = await serveOnLoopback(
    fixture,
    credentials,
    handshakeMs === undefined ? {} : { handshakeMs },
  );
  const client = Deno.createHttpClient({
    caCerts: [authority],
    ...(more.withCertificate ? { cert: admin.certificate, key: admin.key } : {}),
  });
  try {
    await act({ fixture, served, client, url: `https://127.0.0.1:${served.address.port}` });
  } finally {
    client.close();
    await served.stop();
  }
}

const AS_ADMIN = { authorization: `Bearer ${TOKEN}` };

Deno.test("objects are written and listed over TLS, also when a list is longer than the socket takes", async () => {
  await withServer(async ({ client, url, fixture }) => {
    const path = "/api/v1/namespaces/default/configmaps";
    const texts = Array.from({ length: 30 }, (_, index) => `${10 + index} `.repeat(30_000));
    for (const [index, text] of texts.entries()) {
      await fixture.ask("POST", path, { metadata: { name: `c${10 + index}` }, data: { text } });
    }
    const answer = await fetch(url + path, { client, headers: AS_ADMIN });
    const { items } = await answer.json();
    assert.deepEqual(items.map(({ data }: { data: { text: string } }) => data.text), texts);
    const body = JSON.stringify({ metadata: { name: "new" } });
    const headers = { ...AS_ADMIN, "content-type": "application/json" };
    const created = await fetch(url + path, { client, method: "POST", body, headers });
    assert.deepEqual([created.status, (await created.json()).metadata.name], [201, "new"]);
    const none = await fetch(`${url}${path}/none`, { client, headers: AS_ADMIN });
    assert.equal((await none.json()).reason, "NotFound");
  });
});

Deno.test("a client certificate of the admin opens the door, nothing leaves it shut", async () => {
  await withServer(async ({ client, url }) => {
    const answer = await fetch(url + PODS, { client });
    assert.deepEqual([answer.status, (await answer.json()).kind], [200, "PodList"]);
  }, { withCertificate: true });
  await withServer(async ({ client, url }) => {
    const answer = await fetch(url + PODS, { client });
    assert.deepEqual([answer.status, (await answer.json()).message], [401, "Unauthorized"]);
  });
});

Deno.test("a watch is flushed as it comes, and ends in order when the server stops", async () => {
  await withServer(async ({ client, url, fixture, served }) => {
    const answer = await fetch(`${url}${PODS}?watch=true`, { client, headers: AS_ADMIN });
    const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
    const spec = { containers: [{ name: "a", image: "b" }] };
    await fixture.ask("POST", PODS, { metadata: { name: "web" }, spec });
    assert.match((await reader.read()).value!, /^{"type":"ADDED".*}\n$/);
    const stopped = served.stop();
    assert.equal((await reader.read()).done, true);
    await stopped;
    await assert.rejects(fetch(url + PODS, { client, headers: AS_ADMIN }));
  });
});

Deno.test("a watcher on a socket that reads nothing is cut off", async () => {
  await withServer(async ({ client, url, fixture }) => {
    const path = "/api/v1/namespaces/default/configmaps";
    const answer = await fetch(`${url}${path}?watch=true`, { client, headers: AS_ADMIN });
    const data = { x: "x".repeat(900_000) };
    for (let index = 0; index < 40; index++) {
      await fixture.ask("POST", path, { metadata: { name: `c${index}` }, data });
    }
    await assert.rejects(answer.text());
  });
});

Deno.test("an upgrade is refused with a Status, and by the same rules", async () => {
  await withServer(async ({ served }) => {
    const path =
      `GET ${PODS}/web/exec HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: SPDY/3.1\r\n`;
    const admitted = await rawAsk(served, `${path}authorization: Bearer ${TOKEN}\r\n\r\n`);
    assert.match(admitted, /^HTTP\/1.1 404 /);
    assert.match(admitted, /"reason":"NotFound"/);
    assert.match(await rawAsk(served, `${path}\r\n`), /^HTTP\/1.1 401 /);
    const large = `${path}authorization: Bearer ${TOKEN}\r\ncontent-length: 10000000\r\n\r\n`;
    assert.match(await rawAsk(served, large), /^HTTP\/1.1 413 .*"RequestEntityTooLarge"/s);
  });
});

Deno.test("a head that is too long and a body that is too large are refused", async () => {
  await withServer(async ({ served, client, url }) => {
    const long = `GET /version HTTP/1.1\r\nhost: x\r\nx: ${"x".repeat(70_000)}\r\n\r\n`;
    // What the server leaves unread may make the kernel drop the answer on its way.
    assert.match(await rawAsk(served, long), /^(HTTP\/1.1 431 |$)/);
    const body = new Uint8Array(10 << 20);
    const headers = { ...AS_ADMIN, "content-type": "application/json" };
    const answer = await fetch(url + PODS, { client, method: "POST", body, headers });
    assert.deepEqual([answer.status, (await answer.json()).reason], [413, "RequestEntityTooLarge"]);
  });
});

Deno.test("a connection without a handshake is closed in time", async () => {
  await withServer(async ({ served }) => {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port: served.address.port });
    assert.equal(await connection.read(new Uint8Array(1)), null);
    connection.close();
  }, { handshakeMs: 20 });
});

Deno.test("a connection without a handshake does not hold up the stop", async () => {
  await withServer(async ({ served }) => {
    const { port } = served.address;
    const connection = await Deno.connect({ hostname: "127.0.0.1", port });
    const startMs = performance.now();
    await served.stop();
    assert.ok(performance.now() - startMs < STOP_GRACE_MS / 2);
    connection.close();
  });
});

Deno.test("a port in use is said in one line", async () => {
  await withServer(async ({ fixture, served }) => {
    const { port } = served.address;
    const again = serveOnLoopback(fixture, await testCredentials, { port });
    await assert.rejects(again, (error: Error) =>
      error instanceof ListenError &&
      error.message.startsWith(
        `Cannot listen on 127.0.0.1:${served.address.port}: the address is in use`,
      ));
  });
});

Deno.test("another certificate can be shown at run time", async () => {
  await withServer(async ({ served, url, client }) => {
    const other = await loadCredentials(inMemory(), [], new SystemClock().now());
    assert.equal((await fetch(`${url}/livez`, { client })).status, 200);
    served.useCertificate(other.server);
    const trusting = Deno.createHttpClient({ caCerts: [other.authority] });
    const answer = await fetch(`${url}/livez`, { client: trusting });
    assert.equal(await answer.text(), "ok");
    trusting.close();
  });
});

/** Sends the text over TLS and reads until the server closes. */
async function rawAsk({ address }: Served, text: string): Promise<string> {
  const { authority } = await testCredentials;
  const connection = await Deno.connectTls({
    hostname: "127.0.0.1",
    port: address.port,
    caCerts: [authority],
  });
  const bytes = new TextEncoder().encode(text);
  for (let sent = 0; sent < bytes.length;) sent += await connection.write(bytes.subarray(sent));
  let answer = "";
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(4096);
  for (;;) {
    const read = await connection.read(buffer).catch(() => null);
    if (read === null) break;
    answer += decoder.decode(buffer.subarray(0, read));
  }
  connection.close();
  return answer;
}
