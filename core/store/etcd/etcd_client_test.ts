import assert from "node:assert/strict";
import "reflect-metadata";
import * as x509 from "@peculiar/x509";
import { ETCD_NEEDED, EtcdCluster, isEtcdInstalled } from "../../../tests/etcd_cluster.ts";
import { SystemClock } from "../../lib/clock.ts";
import { EtcdClient, EtcdError } from "./etcd_client.ts";
import { textBase64 } from "./etcd_layout.ts";
import type { RangeAnswer } from "./etcd_messages.ts";

const clock = new SystemClock();
const RANGE = { key: textBase64("a") };
const PUT = { key: textBase64("a"), value: textBase64("one") };

test("an endpoint that does not answer is passed over, and not asked again", () =>
  withEtcd({}, async ({ endpoints }) => {
    const nobody = "http://127.0.0.1:1";
    using client = new EtcdClient({ endpoints: [nobody, ...endpoints] }, clock);
    await client.ask("/v3/kv/put", PUT);
    const { kvs } = await client.ask<RangeAnswer>("/v3/kv/range", RANGE);
    assert.equal(kvs?.[0]?.value, PUT.value);
  }));

test("when no endpoint answers the failure comes back, and the signal's reason when it aborts", async () => {
  using client = new EtcdClient({ endpoints: ["http://127.0.0.1:1"] }, clock);
  await assert.rejects(
    client.ask("/v3/kv/range", RANGE),
    /^Error: etcd does not answer at http:\/\/127.0.0.1:1: /,
  );
  const signal = AbortSignal.abort(new Error("enough"));
  await assert.rejects(client.ask("/v3/kv/range", RANGE, { signal }), /enough/);
});

test("what etcd refuses is told in its words, at once", () =>
  withEtcd({}, async ({ endpoints }) => {
    using client = new EtcdClient({ endpoints }, clock);
    const refused = client.ask("/v3/lease/revoke", { ID: "1" });
    await assert.rejects(
      refused,
      (error) => error instanceof EtcdError && /requested lease not found/.test(error.message),
    );
  }));

test("what a member drops because it does not lead for the moment is asked of the next one", async () => {
  const said = { error: "raft proposal dropped", message: "raft proposal dropped", code: 2 };
  const answers = [Response.json(said, { status: 500 }), Response.json({ done: true })];
  const serve = { hostname: "127.0.0.1", port: 0, onListen: () => {} };
  await using member = Deno.serve(serve, () => answers.shift()!);
  const url = `http://127.0.0.1:${member.addr.port}`;
  using client = new EtcdClient({ endpoints: [url] }, clock);
  assert.deepEqual(await client.ask("/v3/kv/put", PUT), { done: true });
});

test("with a user and password; a token that etcd has forgotten is had anew", () =>
  withEtcd({ args: ["--auth-token-ttl", "1"] }, async ({ endpoints }) => {
    using admin = new EtcdClient({ endpoints }, clock);
    await admin.ask("/v3/auth/user/add", { name: "root", password: "secret" });
    await admin.ask("/v3/auth/role/add", { name: "root" });
    await admin.ask("/v3/auth/user/grant", { user: "root", role: "root" });
    await admin.ask("/v3/auth/enable", {});
    await assert.rejects(admin.ask("/v3/kv/put", PUT), /user name is empty/);
    const user = { name: "root", password: "secret" };
    using client = new EtcdClient({ endpoints, user }, clock);
    await client.ask("/v3/kv/put", PUT);
    await client.ask("/v3/auth/user/changepw", { name: "root", password: "secret" }); // ends all tokens
    const { kvs } = await client.ask<RangeAnswer>("/v3/kv/range", RANGE);
    assert.equal(kvs?.[0]?.value, PUT.value);
    using stranger = new EtcdClient({ endpoints, user: { ...user, password: "x" } }, clock);
    await assert.rejects(stranger.ask("/v3/kv/range", RANGE), /authentication failed/);
  }));

test("over TLS, with a client certificate", async () => {
  const folder = await Deno.makeTempDir({ prefix: "coracle-etcd-tls-" });
  const { caPem, pair } = await certificates();
  const files = { ca: caPem, cert: pair.certificate, key: pair.key };
  for (const [name, pem] of Object.entries(files)) {
    await Deno.writeTextFile(`${folder}/${name}`, pem);
  }
  using http = Deno.createHttpClient({ caCerts: [caPem], cert: pair.certificate, key: pair.key });
  const args = [
    ...["--cert-file", `${folder}/cert`, "--key-file", `${folder}/key`],
    ...["--trusted-ca-file", `${folder}/ca`, "--client-cert-auth"],
  ];
  try {
    await withEtcd({ scheme: "https", args, client: http }, async ({ endpoints }) => {
      using client = new EtcdClient({ endpoints, caPem, pair }, clock);
      await client.ask("/v3/kv/put", PUT);
      using nameless = new EtcdClient({ endpoints, caPem }, clock);
      await assert.rejects(nameless.ask("/v3/kv/range", RANGE), /etcd does not answer/);
      using unsigned = new EtcdClient({ endpoints, pair }, clock);
      await assert.rejects(unsigned.ask("/v3/kv/range", RANGE), /etcd does not answer/);
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

type ClusterOptions = NonNullable<Parameters<typeof EtcdCluster.start>[1]>;

function test(name: string, body: () => Promise<void>): void {
  Deno.test({ name: `EtcdClient: ${name}${ETCD_NEEDED}`, ignore: !isEtcdInstalled, fn: body });
}

async function withEtcd(
  options: ClusterOptions,
  body: (cluster: EtcdCluster) => Promise<void>,
): Promise<void> {
  const cluster = await EtcdCluster.start(1, options);
  try {
    await body(cluster);
  } finally {
    await cluster.remove();
  }
}

/** An authority, and a certificate of it that is good for servers and for clients: etcd's gateway needs both of its own. */
async function certificates() {
  x509.cryptoProvider.set(crypto);
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const lifetime = { notBefore: new Date("2020-01-01"), notAfter: new Date("2120-01-01") };
  const keys = () => crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const [caKeys, ownKeys] = [await keys(), await keys()];
  const ca = await x509.X509CertificateGenerator.createSelfSigned({
    ...{ name: "CN=test", keys: caKeys, signingAlgorithm: algorithm, ...lifetime },
    extensions: [new x509.BasicConstraintsExtension(true, undefined, true)],
  });
  const { serverAuth, clientAuth } = x509.ExtendedKeyUsage;
  const own = await x509.X509CertificateGenerator.create({
    ...{ subject: "CN=etcd", issuer: ca.subject, publicKey: ownKeys.publicKey },
    ...{ signingKey: caKeys.privateKey, signingAlgorithm: algorithm, ...lifetime },
    extensions: [
      new x509.ExtendedKeyUsageExtension([serverAuth, clientAuth]),
      new x509.SubjectAlternativeNameExtension([{ type: "ip", value: "127.0.0.1" }]),
    ],
  });
  const key = new Uint8Array(await crypto.subtle.exportKey("pkcs8", ownKeys.privateKey)).toBase64();
  const pem = `-----BEGIN PRIVATE KEY-----\n${
    key.match(/.{1,64}/g)!.join("\n")
  }\n-----END PRIVATE KEY-----\n`;
  return { caPem: ca.toString("pem"), pair: { certificate: own.toString("pem"), key: pem } };
}
