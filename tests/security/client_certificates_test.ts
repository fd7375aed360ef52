/** What a stranger gains with a certificate of his own. Source: TLS resumption, RFC 8446 2.2 and RFC 5077. */
import assert from "node:assert/strict";
import { madeCertificate } from "../../core/api/access/certificate_fixture.ts";
import {
  type CertifiedUser,
  ClientCertificates,
} from "../../core/api/access/client_certificates.ts";
import { freshApi } from "../../core/api/api_fixture.ts";
import type { Served } from "../../core/api/front/served.ts";
import {
  createAuthority,
  issueServer,
  type KeyPair,
} from "../../core/api/access/pki_certificates.ts";
import { serveOnLoopback } from "../../core/api/remote_fixture.ts";
import { HttpsTransport } from "../../core/client/https_transport.ts";
import { SystemClock } from "../../core/lib/clock.ts";
import { EtcdClient } from "../../core/store/etcd/etcd_client.ts";
import { onPath, runProgram } from "../kubectl.ts";

const OPENSSL_MISSING = "openssl is missing: apt-get install openssl";
const openssl = onPath("openssl");
const CONNECTIONS = 4;
const VERSIONS = ["-tls1_2", "-tls1_3"] as const;
const WHO_AM_I = JSON.stringify({
  apiVersion: "authentication.k8s.io/v1",
  kind: "SelfSubjectReview",
});
const REQUEST = [
  "POST /apis/authentication.k8s.io/v1/selfsubjectreviews HTTP/1.1",
  "Host: localhost",
  "Content-Type: application/json",
  `Content-Length: ${WHO_AM_I.length}`,
  "Connection: close",
  "",
  WHO_AM_I,
].join("\r\n");

interface Server {
  served: Served;
  authority: KeyPair;
  revoked: Set<string>;
  folder: string;
}

async function withApi(act: (server: Server) => Promise<void>): Promise<void> {
  const authority = await createAuthority("coracle-ca");
  const pair = await issueServer(authority, { commonName: "kube-apiserver" }, ["localhost"]);
  const clock = new SystemClock();
  const revoked = new Set<string>();
  const isRevoked = ({ serial }: CertifiedUser) => revoked.has(serial);
  const certificates = new ClientCertificates({
    authority: authority.certificate,
    clock,
    revocations: { isRevoked },
  });
  const { api } = await freshApi({ clock, certificates });
  const served = await serveOnLoopback({ api, clock }, {
    authority: authority.certificate,
    server: pair,
  });
  const folder = await Deno.makeTempDir({ prefix: "coracle-certificates-" });
  try {
    await act({ served, authority, revoked, folder });
  } finally {
    await served.stop(AbortSignal.abort());
    await Deno.remove(folder, { recursive: true });
  }
}

/** The user that the server sees on each of several connections; all but the first resume the session of the first. */
async function namesOnResumedSessions(
  { served, folder }: Server,
  pair: KeyPair,
  version: (typeof VERSIONS)[number],
): Promise<string[]> {
  const path = await Deno.makeTempDir({ dir: folder });
  await Deno.writeTextFile(`${path}/crt`, pair.certificate);
  await Deno.writeTextFile(`${path}/key`, pair.key);
  const names: string[] = [];
  for (let connection = 0; connection < CONNECTIONS; connection++) {
    const { stdout, stderr } = await runProgram(openssl!, [
      "s_client",
      "-connect",
      `127.0.0.1:${served.address.port}`,
      version,
      "-ign_eof",
      "-cert",
      `${path}/crt`,
      "-key",
      `${path}/key`,
      "-sess_out",
      `${path}/session`,
      ...(connection > 0 ? ["-sess_in", `${path}/session`] : []),
    ], { input: REQUEST });
    assert.match(stdout, connection > 0 ? /^Reused, TLSv1/m : /^New, TLSv1/m, stderr);
    const name = /"username":"([^"]*)"/.exec(stdout)?.[1];
    names.push(name ?? (/HTTP\/1.1 401/.test(stdout) ? "nobody" : `?${stdout}`));
  }
  return names;
}

Deno.test({
  name:
    "a stranger with a certificate that we have not given him is nobody, on fresh and on resumed TLS sessions" +
    (openssl ? "" : ` (${OPENSSL_MISSING})`),
  ignore: openssl === undefined,
  fn: () =>
    withApi(async (server) => {
      const { authority, revoked } = server;
      const expired = new Date(Date.now() - 1_000).toISOString();
      const tomorrow = new Date(Date.now() + 86_400_000).toISOString();
      const revokedPair = await madeCertificate(authority, { serial: "0abc" });
      revoked.add("0abc").add("abc");
      const table: Record<string, [KeyPair, string]> = {
        good: [await madeCertificate(authority), "admin"],
        "self-signed": [await madeCertificate(), "nobody"],
        "other authority": [await madeCertificate(await createAuthority("coracle-ca")), "nobody"],
        expired: [await madeCertificate(authority, { notAfter: expired }), "nobody"],
        "server's": [await madeCertificate(authority, { usage: "server" }), "nobody"],
        "for nothing": [await madeCertificate(authority, { usage: "none" }), "nobody"],
        "not yet valid": [await madeCertificate(authority, { notBefore: tomorrow }), "nobody"],
        revoked: [revokedPair, "nobody"],
      };
      const cases = Object.entries(table).flatMap(([what, [pair, expected]]) =>
        VERSIONS.map((version) => ({ what, pair, expected, version }))
      );
      await Promise.all(cases.map(async ({ what, pair, expected, version }) => {
        const names = await namesOnResumedSessions(server, pair, version);
        assert.deepEqual(names, Array(CONNECTIONS).fill(expected), `${what} ${version}`);
      }));
    }),
});

/** A server with a certificate of a wrong authority, and one of the right authority; both resume sessions. */
async function withTlsServer(
  pair: KeyPair,
  act: (url: string, resumed: boolean[]) => Promise<void>,
): Promise<void> {
  const { createServer } = await import("node:https");
  const resumed: boolean[] = [];
  const server = createServer({ cert: pair.certificate, key: pair.key }, (request, response) => {
    resumed.push((request.socket as import("node:tls").TLSSocket).isSessionReused());
    response.setHeader("connection", "close");
    response.end("{}");
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", resolve);
  await promise;
  const { port } = server.address() as { port: number };
  try {
    await act(`https://127.0.0.1:${port}`, resumed);
  } finally {
    await new Promise((done) => server.close(done));
  }
}

Deno.test("a server that another authority has signed gets no token of ours, also when sessions are resumed", async () => {
  const right = await createAuthority("coracle-ca");
  const wrong = await createAuthority("coracle-ca");
  const pair = await issueServer(right, { commonName: "kube-apiserver" }, ["127.0.0.1"]);
  await withTlsServer(pair, async (server, resumed) => {
    const clientOf = ({ certificate: caPem }: KeyPair) =>
      new HttpsTransport({ server, caPem, token: "secret", pair: undefined, userAgent: "test" });
    const { signal } = new AbortController();
    const ask = async (client: HttpsTransport) =>
      await (await client.send({ method: "GET", path: "/", signal })).text();
    using trusting = clientOf(right);
    using wary = clientOf(wrong);
    for (let i = 0; i < 3; i++) await ask(trusting);
    assert.deepEqual(resumed, [false, true, true], "the sessions are resumed");
    for (let i = 0; i < 3; i++) await assert.rejects(ask(wary), isOfTheCertificate);
    using etcd = new EtcdClient(
      { endpoints: [server], caPem: wrong.certificate, user: { name: "a", password: "secret" } },
      new SystemClock(),
    );
    for (let i = 0; i < 2; i++) {
      await assert.rejects(etcd.ask("/v3/kv/range", {}), isOfTheCertificate);
    }
    assert.equal(resumed.length, 3, "the others got no request");
  });
});

function isOfTheCertificate(error: Error): boolean {
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    if (/invalid peer certificate/.test(cause.message)) return true;
  }
  return false;
}
