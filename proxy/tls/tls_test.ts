import assert from "node:assert/strict";
import { connect as dialTls, type ConnectionOptions, type TLSSocket } from "node:tls";
import { Openssl } from "../../core/lib/linux/openssl.ts";
import { TlsClient } from "../../core/lib/linux/tls_client_fixture.ts";
import type { ServedCertificate } from "../../core/traffic/certificates.ts";
import { selfSigned } from "../../core/traffic/certificate_fixture.ts";
import { FIRST_BYTE_MS } from "../http1/time_limits.ts";
import type { HttpListener, ListenerHost, RouteTable } from "../table/route_table.ts";
import type { Proxy } from "../threads/proxy.ts";
import { backendAt, exchange, tableOf, withProxy, withServer } from "../threads/proxy_fixture.ts";

const openssl = Openssl.open();
const ignore = "missing" in openssl; // install OpenSSL 3 (libssl3)
if (!("missing" in openssl)) openssl.close();

const any = await selfSigned(["*.example.com", "example.com"]);
const shop = await selfSigned(["shop.example.com"]);
const newer = await selfSigned(["shop.example.com"]);

interface Site {
  proxy: Proxy;
  port: number;
  use(hosts: Hosts): Promise<void>;
}
type Hosts = Readonly<Record<string, readonly ServedCertificate[]>>;

function tableFor(port: number, hosts: Hosts, backendPort: number): RouteTable {
  const table = tableOf([[1, backendAt("web", backendPort)]]);
  const [http] = table.listeners as [HttpListener];
  const [{ routes }] = http.hosts as [ListenerHost];
  const listener: HttpListener = {
    ...http,
    isEncrypted: true,
    port,
    hosts: Object.entries(hosts).map(([hostname, certificates]) => ({
      ...{ hostname, certificates },
      routes: routes.map((route) => ({ ...route, hostname })),
    })),
  };
  return { ...table, listeners: [listener] };
}

function test(
  name: string,
  hosts: Hosts,
  act: (site: Site) => Promise<void>,
  answer: (request: Request) => Response | Promise<Response> = describe,
): void {
  Deno.test({
    name,
    ignore,
    fn: () =>
      withServer(answer, (backendPort) =>
        withProxy(async (proxy) => {
          const { listening, failed } = await proxy.use(tableFor(0, hosts, backendPort));
          assert.deepEqual(failed, []);
          const { port } = listening[0]!;
          const use = async (next: Hosts) => {
            await proxy.use(tableFor(0, next, backendPort));
          };
          await act({ proxy, port, use });
        })),
  });
}

function describe(request: Request): Response {
  const { headers } = request;
  return new Response(`${headers.get("host")} ${headers.get("x-forwarded-proto")}`);
}

/** A client that has made its handshake. `servername` "" names no host. */
function dial(port: number, servername: string, more: ConnectionOptions = {}): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = dialTls({
      ...{ host: "127.0.0.1", port, rejectUnauthorized: false },
      ...(servername && { servername }),
      ...more,
    }, () => resolve(socket));
    socket.once("error", reject);
  });
}

function ask(socket: TLSSocket, host: string, path = "/"): Promise<string> {
  const answer = Promise.withResolvers<string>();
  let text = "";
  const take = (bytes: Uint8Array) => {
    text += new TextDecoder().decode(bytes);
    const [head, body = ""] = text.split("\r\n\r\n");
    const length = /content-length: (\d+)/i.exec(head!)?.[1];
    if (length === undefined || body.length < Number(length)) return;
    socket.off("data", take);
    answer.resolve(`${head!.split(" ")[1]} ${body.trim()}`);
  };
  socket.on("data", take);
  socket.once("close", () => answer.resolve("closed"));
  socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  return answer.promise;
}

function shownBy(socket: TLSSocket): string {
  const raw = socket.getPeerCertificate().raw;
  const all = { any, shop, newer };
  const bytesOf = (pem: string) => pem.replaceAll(/-----[A-Z ]+-----|\s/g, "");
  return Object.entries(all).find(([, { certificate }]) =>
    bytesOf(certificate) === new Uint8Array(raw).toBase64()
  )![0];
}

test(
  "a request by TLS is answered, and the backend is told so",
  { "": [any] },
  async ({ port }) => {
    const socket = await dial(port, "www.example.com");
    assert.equal(await ask(socket, "www.example.com"), "200 www.example.com https");
    assert.equal(await ask(socket, "www.example.com"), "200 www.example.com https", "and again");
    socket.destroy();
  },
);

test(
  "each host has its certificate, by its name or by the star that covers it",
  { "shop.example.com": [shop], "*.example.com": [newer, any] },
  async ({ port }) => {
    const rows: [name: string, certificate: string][] = [["shop.example.com", "shop"], [
      "SHOP.example.com",
      "shop",
    ], ["a.example.com", "any"]];
    for (const [name, certificate] of rows) {
      const socket = await dial(port, name);
      assert.equal(shownBy(socket), certificate, name);
      socket.destroy();
    }
    for (const name of ["other.org", ""]) {
      await assert.rejects(
        dial(port, name),
        /unrecognized_name|unrecognized name|alert|112/i,
        name,
      );
    }
  },
);

test(
  "a request for another host than the connection's gets 421, for none of the listener's 404",
  { "shop.example.com": [shop], "*.example.com": [any] },
  async ({ port }) => {
    const socket = await dial(port, "shop.example.com");
    assert.match(await ask(socket, "a.example.com"), /^421 /);
    assert.match(await ask(socket, "other.org"), /^404 /);
    assert.match(await ask(socket, "shop.example.com"), /^200 /);
    socket.destroy();
  },
);

test(
  "certificates change while connections go on",
  { "shop.example.com": [shop] },
  async ({ port, use }) => {
    const before = await dial(port, "shop.example.com");
    await use({ "shop.example.com": [newer] });
    const after = await dial(port, "shop.example.com");
    assert.deepEqual([shownBy(before), shownBy(after)], ["shop", "newer"]);
    for (const socket of [before, after]) {
      assert.equal(await ask(socket, "shop.example.com"), "200 shop.example.com https");
      socket.destroy();
    }
  },
);

test("TLS 1.2 and 1.3 are spoken", { "": [any] }, async ({ port }) => {
  for (const version of ["1.2", "1.3"] as const) {
    await using client = await TlsClient.connect(port, version);
    client.write("GET / HTTP/1.1\r\nHost: a.example.com\r\n\r\n");
    await client.send();
    assert.match((await client.read())!, /^HTTP\/1\.1 200 /, version);
  }
});

test("a client that speaks no TLS is told so", { "": [any] }, async ({ port }) => {
  assert.match(
    await exchange(port, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
    /^HTTP\/1\.1 400 [^]*speaks TLS/,
  );
  assert.equal(await exchange(port, "\x00\x01\x02"), "\x15\x03\x03\x00\x02\x02\x32");
});

const LARGE = "x".repeat(8 << 20);

test(
  "large bodies come through whole, both ways",
  { "": [any] },
  async ({ port }) => {
    const connection = await Deno.connectTls({
      ...{ hostname: "127.0.0.1", port },
      caCerts: [any.certificate],
      unsafelyDisableHostnameVerification: true,
    } as Deno.ConnectTlsOptions);
    const bytes = new TextEncoder().encode(
      `POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: ${LARGE.length}\r\n\r\n${LARGE}`,
    );
    const reading = new Response(connection.readable).text();
    for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
    const text = await reading;
    assert.equal(text.slice(text.indexOf("\r\n\r\n") + 4).length >= LARGE.length, true);
    assert.match(text, /^HTTP\/1\.1 200 /);
  },
  (request) => new Response(request.body),
);

test("of several records that come at once all are read", { "": [any] }, async ({ port }) => {
  await using client = await TlsClient.connect(port, "1.3");
  for (const path of ["/1", "/2"]) {
    client.write(`GET ${path} HTTP/1.1\r\nHost: a.example.com\r\n`);
    client.write("\r\n");
  }
  await client.send();
  let text = "";
  while (text.split("HTTP/1.1 200").length < 3) {
    const more = await client.read();
    assert.ok(more !== undefined, `two answers: ${text}`);
    text += more;
  }
});

test("whoever sends key updates without end is closed", { "": [any] }, async ({ port }) => {
  const startMs = performance.now();
  await using client = await TlsClient.connect(port, "1.3");
  const end = client.read();
  for (let i = 0; i < 2000; i++) {
    client.changeKeys();
    const sent = await client.send().then(() => true, () => false);
    if (!sent) break;
  }
  assert.equal(await end, undefined);
  assert.ok(performance.now() - startMs < FIRST_BYTE_MS, "not because it has asked for nothing");
});
