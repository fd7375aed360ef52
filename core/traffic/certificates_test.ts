import assert from "node:assert/strict";
import { TestCluster } from "../controllers/test_cluster.ts";
import { secrets } from "../resources/core/secrets.ts";
import { referenceGrants } from "../resources/gateway/reference_grants.ts";
import { mayRefer } from "./reference_grants.ts";
import { selfSigned, tlsSecret } from "./certificate_fixture.ts";
import { certificatesOf } from "./certificates.ts";

const GATEWAY = { group: "gateway.networking.k8s.io", kind: "Gateway", namespace: "default" };
const good = await selfSigned(["*.Example.com", "example.com"]);
const other = await selfSigned([], { commonName: "old.example.com" });

function clusterWithSecrets(): TestCluster {
  const cluster = new TestCluster();
  const put = (name: string, pair: { certificate: string; key: string }, more = {}) =>
    void cluster.put(secrets, tlsSecret(name, pair, more));
  put("good", good);
  put("old", other);
  put("opaque", good, { type: "Opaque" });
  put("far", good, { namespace: "shop" });
  put("text", { ...good, certificate: "Hello world\n" });
  put("garbled", { ...good, certificate: good.certificate.replace(/M../g, "AAA") });
  put("mixed", { ...good, key: other.key });
  put("no-key", { ...good, key: "Hello world\n" });
  return cluster;
}

Deno.test("a listener shows the certificates that it names, or says what is wrong with the first of the others", () => {
  const cluster = clusterWithSecrets();
  const secret = (name: string, more = {}) => ({ group: "", kind: "Secret", name, ...more });
  const rows: [references: object[], shown: string[][], fault: string | undefined][] = [
    [[secret("good")], [["*.example.com", "example.com"]], undefined],
    [[secret("old")], [["old.example.com"]], undefined],
    [
      [secret("good"), secret("old")],
      [["*.example.com", "example.com"], ["old.example.com"]],
      undefined,
    ],
    [[secret("good"), secret("none")], [["*.example.com", "example.com"]], "is not there"],
    [[], [], "names no certificate"],
    [[secret("none")], [], 'Secret "default/none" is not there'],
    [[secret("opaque")], [], 'has the type "Opaque", not "kubernetes.io/tls"'],
    [[secret("text")], [], 'has no certificate in PEM in "tls.crt"'],
    [[secret("garbled")], [], 'has a certificate in "tls.crt" that cannot be read'],
    [[secret("mixed")], [], 'has a key in "tls.key" that is not its certificate\'s'],
    [[secret("no-key")], [], 'has a key in "tls.key" that cannot be read'],
    [[secret("good", { kind: "ConfigMap" })], [], "not a Secret"],
    [[secret("good", { group: "x.io" })], [], "not a Secret"],
  ];
  for (const [references, shown, fault] of rows) {
    const found = certificatesOf(references as never, GATEWAY, cluster);
    assert.deepEqual(found.certificates.map(({ names }) => names), shown);
    assert.equal(found.fault?.reason, fault && "InvalidCertificateRef");
    assert.ok((found.fault?.message ?? "").includes(fault ?? ""), `${found.fault?.message}`);
  }
  const far = certificatesOf([secret("far", { namespace: "shop" })] as never, GATEWAY, cluster);
  assert.deepEqual([far.certificates.length, far.fault?.reason], [0, "RefNotPermitted"]);
});

Deno.test("a Secret of another namespace needs a grant for this kind, namespace and name", () => {
  const from = { group: GATEWAY.group, kind: "Gateway", namespace: "default" };
  const rows: [from: object, to: object, holds: boolean][] = [
    [{}, {}, true],
    [{}, { name: "far" }, true],
    [{}, { name: "near" }, false],
    [{ kind: "HTTPRoute" }, {}, false],
    [{ namespace: "shop" }, {}, false],
    [{ group: "" }, {}, false],
    [{}, { kind: "Service" }, false],
    [{}, { group: "x.io" }, false],
  ];
  const to = { group: "", kind: "Secret", namespace: "shop", name: "far" };
  for (const [fromMore, toMore, holds] of rows) {
    for (const namespace of ["shop", "default"]) {
      const cluster = new TestCluster();
      cluster.put(referenceGrants, {
        metadata: { namespace, name: "g" },
        spec: { from: [{ ...from, ...fromMore }], to: [{ group: "", kind: "Secret", ...toMore }] },
      });
      const expected = holds && namespace === "shop";
      assert.equal(mayRefer(from, to, cluster), expected, JSON.stringify([fromMore, toMore]));
    }
  }
  assert.equal(mayRefer(from, { ...to, namespace: "default" }, new TestCluster()), true);
});

Deno.test("a certificate is shown as it is now", () => {
  const cluster = clusterWithSecrets();
  const reference = [{ group: "", kind: "Secret", name: "good" }] as never;
  const now = () => certificatesOf(reference, GATEWAY, cluster);
  assert.equal(now().certificates[0]!.key, good.key);
  cluster.put(secrets, tlsSecret("good", other));
  assert.equal(now().certificates[0]!.key, other.key);
  cluster.take(secrets, { namespace: "default", name: "good" });
  assert.equal(now().fault?.reason, "InvalidCertificateRef");
});
