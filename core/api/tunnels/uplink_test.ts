import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tunnelTransport } from "../../client/tunnel/tunnel_transport.ts";
import type { TunnelDialler } from "../../client/tunnel/tunnel_dialler.ts";
import { SystemClock } from "../../lib/clock.ts";
import { freshApi } from "../api_fixture.ts";
import { ClientCertificates } from "../access/client_certificates.ts";
import { serveOnLoopback, testCredentials } from "../remote_fixture.ts";
import { TunnelServer } from "./tunnel_fixture.ts";

const { signal } = new AbortController();

/** A proxy that takes CONNECT from who has the password. */
class ConnectProxy implements AsyncDisposable {
  readonly asked: string[] = [];
  readonly sockets = new Set<Socket>();
  readonly #server: Server;

  private constructor(port: number) {
    this.#server = createServer((client) => {
      this.sockets.add(client);
      client.on("error", () => {});
      client.once("data", (bytes: Uint8Array) => {
        const head = new TextDecoder().decode(bytes);
        this.asked.push(head.split("\r\n")[0]!);
        if (!head.includes(`proxy-authorization: Basic ${btoa("me:secret")}`)) {
          return void client.end("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
        }
        const server = connect({ host: "127.0.0.1", port });
        this.sockets.add(server);
        server.on("error", () => {});
        server.once("connect", () => {
          client.write("HTTP/1.1 200 Connection established\r\n\r\n");
          server.pipe(client).pipe(server);
        });
      });
    });
  }

  static async start(port: number): Promise<ConnectProxy> {
    const proxy = new ConnectProxy(port);
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }
}

/** The next time that there is a tunnel, or none. */
function changed(dialler: TunnelDialler): Promise<boolean> {
  return new Promise((resolve) => {
    const stop = dialler.onChange((tunnel) => {
      stop();
      resolve(tunnel !== undefined);
    });
  });
}

Deno.test("the tunnel goes through a proxy that takes a password, and not without it", async () => {
  await using server = await TunnelServer.start();
  await using proxy = await ConnectProxy.start(server.served.address.port);
  // No proxy is used for loopback: the name must be another one. The certificate is for it, too.
  const url = `https://kubernetes.default.svc:6443`;
  const https = `http://me:secret@127.0.0.1:${proxy.port}`;
  const dialler = await server.agent("node-a", { url, proxies: { https } });
  assert.ok(await dialler.settled(signal));
  assert.deepEqual(proxy.asked, ["CONNECT kubernetes.default.svc:6443 HTTP/1.1"]);
  const wrong = await server.agent("node-b", {
    ...{ url, proxies: { https: `http://127.0.0.1:${proxy.port}` } },
  });
  assert.equal(await wrong.settled(signal), undefined);
  assert.equal(server.tunnels.get("node-b"), undefined);
});

Deno.test("a tunnel that is lost comes back by itself", async () => {
  await using server = await TunnelServer.start();
  const dialler = await server.agent("node-a");
  const tunnel = await dialler.settled(signal);
  const gone = changed(dialler);
  server.tunnels.get("node-a")!.close("the test cuts it");
  await tunnel!.ended;
  assert.equal(await gone, false);
  assert.equal(await changed(dialler), true);
  assert.equal(dialler.state, "up");
});

Deno.test("a changed uplink has a wait end at once", async () => {
  await using server = await TunnelServer.start({ agents: 300_000 }); // who spread over ten minutes
  const dialler = await server.agent("node-a");
  await dialler.settled(signal);
  const gone = changed(dialler);
  server.tunnels.get("node-a")!.close("the test cuts it");
  assert.equal(await gone, false);
  const back = changed(dialler);
  await new Promise((resolve) => setImmediate(resolve));
  dialler.uplinkChanged();
  assert.equal(await back, true);
});

Deno.test("to a server without tunnels requests go by HTTPS", async () => {
  const credentials = await testCredentials;
  const clock = new SystemClock();
  const { authority } = credentials;
  const fixture = await freshApi({
    clock,
    certificates: new ClientCertificates({ authority, clock }),
  });
  const served = await serveOnLoopback(fixture, credentials);
  await using server = await TunnelServer.start();
  const url = `https://127.0.0.1:${served.address.port}`;
  const dialler = await server.agent("node-a", { url });
  let byHttps = 0;
  const transport = tunnelTransport(dialler, {
    userAgent: "test",
    fallback: () => {
      byHttps++;
      return Promise.resolve(new Response("{}"));
    },
  });
  await transport({ method: "GET", path: "/version", signal });
  assert.equal(byHttps, 1);
  assert.equal(dialler.state, "unsupported");
  await served.stop(AbortSignal.abort());
});

Deno.test("without a server requests fail at once, as a link that is down", async () => {
  await using server = await TunnelServer.start();
  const dialler = await server.agent("node-a", { url: "https://127.0.0.1:1" });
  const transport = tunnelTransport(dialler, {
    userAgent: "test",
    fallback: () => Promise.reject(new Error("not this way")),
  });
  await assert.rejects(
    transport({ method: "GET", path: "/version", signal }),
    /LinkError: there is no connection now/,
  );
});
