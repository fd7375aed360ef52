import assert from "node:assert/strict";
import type { Entry } from "../../../store/store.ts";
import { publishClusterInfo } from "./cluster_info.ts";
import { isReplaced } from "./replaced_machines.ts";
import { joinable, requestFor, REQUESTS, TOKEN } from "./joining_fixture.ts";

Deno.test("a machine that joins may ask for the certificate of a node, and read what became of its own request", async () => {
  const { askAs } = await joinable();
  assert.equal((await askAs(TOKEN, "POST", REQUESTS, requestFor("edge"))).code, 201);
  assert.equal((await askAs(TOKEN, "GET", `${REQUESTS}/csr-edge`)).code, 200);
});

Deno.test("a token of machines gives no other right", async () => {
  const { askAs, admin } = await joinable();
  await admin("POST", REQUESTS, requestFor("other"));
  const table: [string, string][] = [
    ["GET", REQUESTS],
    ["GET", `${REQUESTS}?watch=true`],
    ["GET", `${REQUESTS}/csr-other`],
    ["DELETE", `${REQUESTS}/csr-other`],
    ["PUT", `${REQUESTS}/csr-other/approval`],
    ["GET", "/api/v1/namespaces/kube-system/secrets/bootstrap-token-abcdef"],
    ["GET", "/api/v1/nodes"],
    ["POST", "/api/v1/nodes"],
    ["GET", "/api/v1/namespaces/kube-public/configmaps"],
    ["GET", "/api/v1/namespaces/kube-system/configmaps/cluster-info"],
  ];
  for (const [method, path] of table) {
    const body = method === "GET" ? undefined : { metadata: { name: "x" } };
    assert.equal((await askAs(TOKEN, method, path, body)).code, 403, `${method} ${path}`);
  }
});

Deno.test("everybody may read by which authority the server is known, and nothing beside", async () => {
  const { askAs, objects } = await joinable();
  await publishClusterInfo(objects, { url: "https://a:1", authority: "PEM" });
  const path = "/api/v1/namespaces/kube-public/configmaps";
  const { code, body } = await askAs(undefined, "GET", `${path}/cluster-info`);
  assert.equal(code, 200);
  assert.match(body.data.kubeconfig, /server: https:\/\/a:1\n/);
  assert.equal((await askAs(undefined, "GET", path)).code, 401);
  assert.equal((await askAs(undefined, "GET", `${path}/other`)).code, 401);
  assert.equal((await askAs(undefined, "PUT", `${path}/cluster-info`, {})).code, 401);
});

Deno.test("who may not join is told why at once", async () => {
  const another = 'make a new one with "coracle token create"';
  const table: [string, Record<string, string>, object, RegExp | string][] = [
    [
      "the token is for another node",
      { "coracle.dev/join-node": "a" },
      requestFor("edge"),
      `the token "abcdef" is for the node "a" alone, not for "edge"; join with --node a, or ${another}`,
    ],
    [
      "the token is used up",
      { "coracle.dev/join-uses": "2", "coracle.dev/join-used-by": "u1,u2" },
      requestFor("edge"),
      `the token "abcdef" has been used 2 times of 2; ${another}`,
    ],
    [
      "another machine has the name",
      {},
      requestFor("taken"),
      'another machine has joined as node "taken"; join under another name with --node, or, if that machine is gone for ' +
      'good, remove it with "coracle node delete taken" first',
    ],
    [
      "an administrator's certificate",
      {},
      requestFor("x", { commonName: "admin", organization: "system:masters" }),
      "the certificate asked for is not one of a node",
    ],
    [
      "no name of a node",
      {},
      requestFor("x", { commonName: "system:node:../x" }),
      "the certificate asked for is not one of a node",
    ],
  ];
  for (const [what, annotations, asked, why] of table) {
    const { askAs, admin } = await joinable({ annotations });
    await admin("POST", "/api/v1/nodes", { metadata: { name: "taken" } });
    const { code, body } = await askAs(TOKEN, "POST", REQUESTS, asked);
    assert.equal(code, 403, what);
    assert.ok(body.message.endsWith(`is forbidden: ${why}`), `${what}: ${body.message}`);
  }
});

Deno.test("a token that has expired or been revoked is nobody's", async () => {
  const { askAs } = await joinable({ data: { expiration: "2025-12-31T00:00:00Z" } });
  assert.equal((await askAs(TOKEN, "POST", REQUESTS, requestFor("edge"))).code, 401);
  const { askAs: ask, admin } = await joinable();
  await admin("DELETE", "/api/v1/namespaces/kube-system/secrets/bootstrap-token-abcdef");
  assert.equal((await ask(TOKEN, "POST", REQUESTS, requestFor("edge"))).code, 401);
});

Deno.test("a node asks for its own certificate, not for another node's or a user's", async () => {
  const { askAs } = await joinable();
  const code = async (asked: object) => (await askAs("node-b", "POST", REQUESTS, asked)).code;
  assert.equal(await code(requestFor("b")), 201);
  assert.equal((await askAs("node-b", "GET", `${REQUESTS}/csr-b`)).code, 200);
  assert.equal(await code(requestFor("a")), 403);
  const client = { signerName: "kubernetes.io/kube-apiserver-client", name: "csr-c" };
  assert.equal(await code(requestFor("b", client)), 403);
  await askAs(TOKEN, "POST", REQUESTS, requestFor("a"));
  assert.equal((await askAs("node-b", "GET", `${REQUESTS}/csr-a`)).code, 403);
  assert.equal((await askAs("node-b", "GET", REQUESTS)).code, 403);
});

Deno.test("since another machine has joined as a node, the certificates of those before it count no longer", () => {
  const stored = new Map<string, object>();
  const store = { get: (key: readonly string[]) => stored.get(key.join("/")) as Entry | undefined };
  const node = (annotations: Record<string, string>) =>
    stored.set("nodes//edge", { object: { metadata: { name: "edge", annotations } } });
  const machine = (uid?: string, name = "system:node:edge") => ({
    ...{ name, groups: ["system:nodes"] },
    ...(uid !== undefined && { uid }),
  });
  assert.equal(isReplaced(machine("1"), store), false, "the node is gone");
  node({});
  assert.equal(isReplaced(machine(), store), false, "none has joined by a token");
  node({ "coracle.dev/joined-by": "2" });
  assert.equal(isReplaced(machine("2"), store), false);
  assert.equal(isReplaced(machine("1"), store), true);
  assert.equal(isReplaced(machine(), store), true, "credentials of before");
  assert.equal(isReplaced(machine("1", "system:node:other"), store), false);
  assert.equal(isReplaced({ name: "system:node:edge", groups: [] }, store), false, "no node");
});

Deno.test("a node does not say which machine it is", () =>
  staysTheServers("coracle.dev/joined-by"));

Deno.test("a node does not say behind which router it is", () =>
  staysTheServers("coracle.dev/remote-address"));

/** A node can neither set nor change nor remove an annotation of its own Node. */
async function staysTheServers(annotation: string): Promise<void> {
  const { askAs, admin } = await joinable();
  const annotations = { [annotation]: "u" };
  const own = await askAs("node-b", "POST", "/api/v1/nodes", {
    metadata: { name: "b", annotations },
  });
  assert.ok(own.body.message.includes(`not allowed to modify the annotation "${annotation}"`));
  const { body: node } = await admin("POST", "/api/v1/nodes", {
    metadata: { name: "b", annotations },
  });
  for (const changed of [{}, { [annotation]: "v" }]) {
    const next = { ...node, metadata: { ...node.metadata, annotations: changed } };
    for (const path of ["/api/v1/nodes/b", "/api/v1/nodes/b/status"]) {
      const { code } = await askAs("node-b", "PUT", path, next);
      assert.ok(code === 403 || path.endsWith("/status"), `${code}`);
      const now = (await admin("GET", "/api/v1/nodes/b")).body.metadata.annotations;
      assert.deepEqual(now, annotations, path);
    }
  }
}

Deno.test("a node whose machine has joined registers with taints of its own, and never takes others' away", async () => {
  const { askAs, admin } = await joinable();
  const others = { key: "site", value: "remote", effect: "NoExecute" };
  const own = { key: "own", effect: "NoSchedule" };
  await admin("POST", "/api/v1/nodes", { metadata: { name: "b" }, spec: { taints: [others] } });
  const taints = async (wanted: (all: object[]) => object[]) => {
    const { body } = await admin("GET", "/api/v1/nodes/b");
    const next = { ...body, spec: { ...body.spec, taints: wanted(body.spec.taints) } };
    return (await askAs("node-b", "PUT", "/api/v1/nodes/b", next)).code;
  };
  assert.equal(await taints((all) => all.slice(1)), 403, "takes one away");
  assert.equal(await taints((all) => [...all, own]), 200, "adds one");
  const { body } = await admin("GET", "/api/v1/nodes/b");
  const conditions = [{ type: "Ready", status: "True" }];
  await askAs("node-b", "PUT", "/api/v1/nodes/b/status", { ...body, status: { conditions } });
  assert.equal(await taints((all) => [...all, { ...own, key: "more" }]), 403, "it is registered");
  assert.equal(await taints((all) => all), 200);
});
