import assert from "node:assert/strict";
import { secrets } from "../../resources/core/secrets.ts";
import { serviceAccounts } from "../../resources/core/service_accounts.ts";
import { TestCluster } from "../test_cluster.ts";
import { accountTokenSecrets } from "./account_token_secrets.ts";

const NAME = "kubernetes.io/service-account.name";
const UID = "kubernetes.io/service-account.uid";
const TYPE = "kubernetes.io/service-account-token";

/** A controller whose tokens say how often it has signed. */
function controller() {
  let signed = 0;
  return accountTokenSecrets(({ metadata: { name } }) => `${name}-${++signed}`, "the authority");
}

function dataOf(cluster: TestCluster): Record<string, string> | undefined {
  const { data } = cluster.get(secrets, { namespace: "default", name: "token" }) ?? {};
  return data && Object.fromEntries(Object.entries(data).map(([key, text]) => [key, atob(text)]));
}

function withAccount(annotations: Record<string, string>, more: object = {}): TestCluster {
  const cluster = new TestCluster();
  cluster.put(serviceAccounts, { metadata: { name: "robot", uid: "u1" } });
  cluster.put(secrets, { metadata: { name: "token", annotations }, type: TYPE, ...more });
  return cluster;
}

Deno.test("a Secret that asks for a token gets one, once, with the authority and the namespace", () => {
  const cluster = withAccount({ [NAME]: "robot" });
  const loop = controller();
  cluster.settle([loop]);
  const whole = { token: "robot-1", "ca.crt": "the authority", namespace: "default" };
  assert.deepEqual(dataOf(cluster), whole);
  const { metadata } = cluster.get(secrets, { namespace: "default", name: "token" })!;
  const account = cluster.get(serviceAccounts, { namespace: "default", name: "robot" })!;
  assert.equal(metadata.annotations?.[UID], account.metadata.uid);
  cluster.put(secrets, {
    metadata: { ...metadata },
    type: TYPE,
    data: { token: btoa("robot-1"), "ca.crt": btoa("forged"), more: btoa("x") },
  });
  cluster.settle([loop]);
  assert.deepEqual(dataOf(cluster), { ...whole, more: "x" }, "what else it holds stays");
});

Deno.test("a Secret goes when its account is gone, or is another one of the name", () => {
  for (const annotations of [{ [NAME]: "nobody" }, { [NAME]: "robot", [UID]: "another" }]) {
    const cluster = withAccount(annotations);
    cluster.settle([controller()]);
    assert.equal(dataOf(cluster), undefined, JSON.stringify(annotations));
  }
  const cluster = withAccount({ [NAME]: "robot" });
  const loop = controller();
  cluster.settle([loop]);
  cluster.take(serviceAccounts, { namespace: "default", name: "robot" });
  cluster.settle([loop]);
  assert.equal(dataOf(cluster), undefined);
});

Deno.test("Secrets of other types are left alone, and all are without a signer", () => {
  const other = withAccount({ [NAME]: "robot" }, { type: "Opaque", data: { a: btoa("b") } });
  other.settle([controller()]);
  assert.deepEqual(dataOf(other), { a: "b" });
  const unsigned = withAccount({ [NAME]: "nobody" }, { data: { a: btoa("b") } });
  unsigned.settle([accountTokenSecrets(undefined, "")]);
  assert.deepEqual(dataOf(unsigned), { a: "b" });
});
