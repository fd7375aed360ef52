import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { createAuthority, issueServer } from "../../api/access/pki_certificates.ts";
import { SystemClock } from "../../lib/clock.ts";
import { authorityHash, fetchAuthority } from "./authority.ts";
import { JoinError } from "./join_error.ts";

const { signal } = new AbortController();
const CONTEXT = { clock: new SystemClock(), signal };
/** Made by `openssl ecparam` and `openssl req -x509`; its hash by the command in kubeadm's documentation. */
const AUTHORITY = `-----BEGIN CERTIFICATE-----
MIIBezCCASGgAwIBAgIUHcHZQ6uQrebLu9PZTFXHkeUSzDcwCgYIKoZIzj0EAwIw
EjEQMA4GA1UEAwwHdGVzdC1jYTAgFw0yNjEyMDEwMzU3MjVaGA8yMTI2MTEwNzAz
NTcyNVowEjEQMA4GA1UEAwwHdGVzdC1jYTBZMBMGByqGSM49AgEGCCqGSM49AwEH
A0IABCD3V/8QwZGOVbupOzy8LKscnzTL1Ll4+6zPBuafCax67QO+96BioUAC/2vk
kSHW+E4+Q795nEp1p30bHPBlOiajUzBRMB0GA1UdDgQWBBR9aCVYwSeBfy7dI8Iu
fWOlibyKnjAfBgNVHSMEGDAWgBR9aCVYwSeBfy7dI8IufWOlibyKnjAPBgNVHRMB
Af8EBTADAQH/MAoGCCqGSM49BAMCA0gAMEUCIFUXXoPt+wJKP3f5rzEYKmfHExGE
M6TKv3SYkYKtKtisAiEAhSBkJn4lubY1fYwHEHNyZ6GNg11EqRhI3Aal1wfe14k=
-----END CERTIFICATE-----
`;
const HASH = "sha256:9af8c22b0264e2e91026cdd257b164b2b26f7d8850ac84716da8560dec336d2b";

/** A server of TLS that answers everything with the same text, and remembers what it was sent. */
async function stranger(text: string) {
  const authority = await createAuthority("stranger");
  const pair = await issueServer(authority, { commonName: "x" }, ["127.0.0.1"]);
  const requests: { path: string; headers: string }[] = [];
  const server = Deno.serve({
    ...{ hostname: "127.0.0.1", port: 0, onListen: () => {} },
    ...{ cert: pair.certificate, key: pair.key },
  }, (request) => {
    const { pathname } = new URL(request.url);
    requests.push({ path: pathname, headers: JSON.stringify([...request.headers]) });
    return new Response(text);
  });
  const url = `https://127.0.0.1:${server.addr.port}`;
  return { url, requests, [Symbol.asyncDispose]: () => server.shutdown() };
}

function clusterInfo(pem: string): string {
  const kubeconfig = `clusters:\n- cluster:\n    certificate-authority-data: ${btoa(pem)}\n`;
  return JSON.stringify({ data: { kubeconfig } });
}

Deno.test("the hash of an authority is kubeadm's", () => {
  assert.equal(authorityHash(AUTHORITY), HASH);
});

Deno.test("an authority is taken by its hash, whoever answers; nothing secret is sent for it", async () => {
  await using server = await stranger(clusterInfo(AUTHORITY));
  const other = `sha256:${"0".repeat(64)}`;
  assert.equal(await fetchAuthority(server.url, [other, HASH], CONTEXT), AUTHORITY);
  await assert.rejects(
    fetchAuthority(server.url, [other], CONTEXT),
    (error) =>
      error instanceof JoinError &&
      error.message.includes(
        `has another certificate authority (${HASH}) than the command says (${other})`,
      ),
  );
  assert.equal(server.requests.length, 2);
  for (const { path, headers } of server.requests) {
    assert.equal(path, "/api/v1/namespaces/kube-public/configmaps/cluster-info");
    assert.doesNotMatch(headers, /authorization|cookie/i);
  }
});

Deno.test("what is no server of Coracle, or does not answer, is told", async () => {
  const answers = [
    "",
    "<html>",
    "null",
    "{}",
    clusterInfo("no PEM"),
    clusterInfo(AUTHORITY).replace("LS0", "!!!"),
    JSON.stringify({ kind: "Status", code: 401 }),
  ];
  for (const text of answers) {
    await using server = await stranger(text);
    await assert.rejects(
      fetchAuthority(server.url, [HASH], CONTEXT),
      /is no server of Coracle/,
      text,
    );
  }
  await using endless = await stranger("x".repeat(1_000_000));
  await assert.rejects(fetchAuthority(endless.url, [HASH], CONTEXT), /the answer is too long/);
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const plain = `https://127.0.0.1:${listener.addr.port}`;
  listener.close();
  await assert.rejects(
    fetchAuthority(plain, [HASH], CONTEXT),
    /Cannot reach the server at .* check the address/,
  );
});

Deno.test("the authority is asked for through a proxy, by the server's name", async () => {
  await using server = await stranger(clusterInfo(AUTHORITY));
  const asked: string[] = [];
  const proxy = createServer((client) => {
    client.once("data", (bytes: Uint8Array) => {
      asked.push(new TextDecoder().decode(bytes).split("\r\n")[0]!);
      const through = connect({ host: "127.0.0.1", port: Number(new URL(server.url).port) });
      through.once("connect", () => {
        client.write("HTTP/1.1 200 Connection established\r\n\r\n");
        through.pipe(client).pipe(through);
      });
      for (const socket of [client, through]) socket.on("error", () => {});
    });
  }).listen(0, "127.0.0.1");
  await once(proxy, "listening");
  const https = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  const found = await fetchAuthority("https://server.test:7443", [HASH], {
    ...CONTEXT,
    proxies: { https },
  });
  assert.equal(found, AUTHORITY);
  assert.deepEqual(asked, ["CONNECT server.test:7443 HTTP/1.1"]);
  proxy.close();
});
