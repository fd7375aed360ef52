import assert from "node:assert/strict";
import { eventually } from "../eventually.ts";
import { type ServerProcess, withServer } from "../server_process.ts";
import { selfSigned, tlsSecret } from "../../core/traffic/certificate_fixture.ts";

/** An address of this machine that nobody else uses: there every port is free. */
const ADDRESS = "127.77.0.1";
const STRANGERS = 200;
/** After this long whoever has not made a handshake must be gone. */
const HANDSHAKE_MS_MAX = 15_000;
const NAMESPACED = "/namespaces/default";
const GATEWAY_API = `/apis/gateway.networking.k8s.io/v1${NAMESPACED}`;
const ignore = Deno.uid() !== 0; // ports below 1024 are opened

Deno.test({
  name:
    "Gateways and Ingresses are served by TLS, certificates change in place, strangers keep nobody out",
  ignore,
  fn: () =>
    withServer({
      ...{ runtime: "process", subnet: 194 },
      args: ["--gateway-address", ADDRESS],
    }, async (server) => {
      await put(
        server,
        `/api/v1${NAMESPACED}/secrets`,
        tlsSecret("cert", await selfSigned([HOST])),
      );
      await put(server, `${GATEWAY_API}/gateways`, GATEWAY);
      await put(server, `${GATEWAY_API}/httproutes`, ROUTE);
      await put(server, `/apis/networking.k8s.io/v1${NAMESPACED}/ingresses`, INGRESS);
      await eventually(
        "the Gateway answers by TLS",
        async () => await statusOf(443, HOST) === "302",
      );
      await eventually(
        "the Ingress answers by TLS",
        async () => await statusOf(443, SHOP) === "500",
      );
      assert.match(await said(80, SHOP, "http"), /^308 https:\/\/shop\.example\.com\//);
      assert.equal(await statusOf(443, "other.org"), "000", "nobody has that name");
      await certificatesChange(server);
      await strangersAreKeptAway();
    }),
});

const HOST = "www.example.com", SHOP = "shop.example.com";
const GATEWAY = {
  metadata: { name: "edge" },
  spec: {
    gatewayClassName: "coracle",
    listeners: [{
      ...{ name: "https", port: 443, protocol: "HTTPS", hostname: HOST },
      tls: { certificateRefs: [{ name: "cert" }] },
    }],
  },
};
const ROUTE = {
  metadata: { name: "away" },
  spec: {
    parentRefs: [{ name: "edge" }],
    rules: [{ filters: [{ type: "RequestRedirect", requestRedirect: { hostname: "x.example" } }] }],
  },
};
const INGRESS = {
  metadata: {
    name: "shop",
    annotations: { "nginx.ingress.kubernetes.io/ssl-redirect": "true" },
  },
  spec: {
    ingressClassName: "coracle",
    tls: [{ hosts: [SHOP], secretName: "cert" }],
    rules: [{
      host: SHOP,
      http: {
        paths: [{
          ...{ path: "/", pathType: "Prefix" },
          backend: { service: { name: "none", port: { number: 80 } } },
        }],
      },
    }],
  },
};

async function put(server: ServerProcess, path: string, body: object): Promise<void> {
  const created = await server.create(path, body);
  assert.equal(created.status, 201, await created.text());
}

/** What curl says of a request: status and target of a redirect. `000`: no connection. */
async function said(port: number, host: string, scheme = "https"): Promise<string> {
  const { stdout } = await new Deno.Command("curl", {
    args: [
      ...["-sk", "-m", "10", "-o", "/dev/null", "-w", "%{http_code} %{redirect_url}"],
      ...["--resolve", `${host}:${port}:${ADDRESS}`, `${scheme}://${host}:${port}/`],
    ],
  }).output();
  return new TextDecoder().decode(stdout);
}

async function statusOf(port: number, host: string): Promise<string> {
  return (await said(port, host)).slice(0, 3);
}

/** The serial number of the certificate that OpenSSL's own client is shown; `""`: none. */
async function serialOf(host: string): Promise<string> {
  const script = `openssl s_client -connect ${ADDRESS}:443 -servername ${host} </dev/null` +
    " 2>/dev/null | openssl x509 -noout -serial 2>/dev/null";
  const { stdout } = await new Deno.Command("sh", { args: ["-c", script] }).output();
  return new TextDecoder().decode(stdout).trim();
}

async function certificatesChange(server: ServerProcess): Promise<void> {
  const before = await serialOf(HOST);
  assert.match(before, /^serial=/);
  const path = `/api/v1${NAMESPACED}/secrets/cert`;
  const { data } = tlsSecret("cert", await selfSigned(["*.example.com"]));
  await patched(server, path, { data });
  await eventually("the new certificate is shown", async () => {
    const now = await serialOf(HOST);
    return now !== "" && now !== before;
  });
  await patched(server, path, { data: { "tls.crt": btoa("Hello world\n") } });
  const listener = async () => {
    const answer = await server.fetch(`${GATEWAY_API}/gateways/edge`);
    const { status: { listeners: [{ conditions }] } } = await answer.json();
    return conditions.filter(({ type }: { type: string }) => /ResolvedRefs|Programmed/.test(type))
      .map(({ status, reason }: Record<string, string>) => `${status} ${reason}`).sort().join();
  };
  await eventually(
    "the Gateway says that its certificate is none",
    async () => await listener() === "False Invalid,False InvalidCertificateRef",
  );
  await eventually("nothing is shown", async () => await serialOf(HOST) === "");
  await patched(server, path, { data });
  await eventually("it is shown again", async () => await statusOf(443, HOST) === "302");
  assert.equal(await listener(), "True Programmed,True ResolvedRefs");
}

async function patched(server: ServerProcess, path: string, body: object): Promise<void> {
  const answer = await server.fetch(path, {
    method: "PATCH",
    headers: { "content-type": "application/merge-patch+json" },
    body: JSON.stringify(body),
  });
  assert.equal(answer.status, 200, await answer.text());
}

/** Many say half of what a handshake begins with, and wait. */
async function strangersAreKeptAway(): Promise<void> {
  const half = Uint8Array.of(22, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3);
  const startedMs = performance.now();
  const ends = await Promise.all(
    Array.from({ length: STRANGERS }, async () => {
      const connection = await Deno.connect({ hostname: ADDRESS, port: 443 });
      await connection.write(half);
      return connection.read(new Uint8Array(16)).catch(() => null).finally(() =>
        connection.close()
      );
    }).map((connected) => ({ connected })),
  );
  assert.equal(await statusOf(443, HOST), "302");
  assert.equal(await statusOf(443, SHOP), "500");
  await Promise.all(ends.map(({ connected }) => connected));
  assert.ok(performance.now() - startedMs < HANDSHAKE_MS_MAX);
}
