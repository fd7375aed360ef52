import assert from "node:assert/strict";
import { LocalClient } from "../../objects/local_client.ts";
import { nodes } from "../../resources/core/nodes/nodes.ts";
import { pods } from "../../resources/core/pods/pods.ts";
import { REPORT } from "../../usage/usage_fixture.ts";
import { nodeUser } from "../access/nodes/node_identity.ts";
import { freshApi } from "../api_fixture.ts";

const METRICS = "/apis/metrics.k8s.io/v1beta1";

Deno.test("what a node reports is what is told of it, as a kubelet and metrics-server tell it", async () => {
  const { ask, report, objects } = await cluster();
  const client = new LocalClient(objects);
  const spec = { nodeName: "node-a", containers: [{ name: "a", image: "x" }] };
  const pod = await client.create(pods, { metadata: { name: "web", namespace: "default" }, spec });
  await client.updateStatus(pods, { ...pod, status: { ...pod.status, phase: "Running" as const } });
  assert.equal((await ask("GET", `${METRICS}/nodes/node-a`)).status, 404);
  const summary = "/api/v1/nodes/node-a/proxy/stats/summary";
  assert.equal((await ask("GET", summary)).status, 503);
  const { uid } = pod.metadata;
  const [reported] = REPORT.pods;
  const taken = await report({ ...REPORT, pods: [{ ...reported!, namespace: "default", uid }] });
  assert.deepEqual(await taken.json(), { nextMs: 15_000 });
  const node = await (await ask("GET", `${METRICS}/nodes/node-a`)).json();
  assert.equal(node.usage.cpu, "1500m");
  const list = await (await ask("GET", `${METRICS}/pods`)).json();
  assert.deepEqual([list.kind, list.items.length], ["PodMetricsList", 1]);
  for (const namespace of ["default", "other"]) {
    const { items } = await (await ask("GET", `${METRICS}/namespaces/${namespace}/pods`)).json();
    assert.equal(items.length, namespace === "default" ? 1 : 0);
  }
  assert.equal((await ask("GET", `${METRICS}/namespaces/other/pods/web`)).status, 404);
  assert.equal((await ask("DELETE", `${METRICS}/namespaces/default/pods/web`)).status, 405);
  assert.equal((await ask("GET", `${METRICS}/pods?watch=1`)).status, 405);
  assert.equal((await (await ask("GET", summary)).json()).pods[0].podRef.name, "web");
  const text = await ask("GET", "/api/v1/nodes/node-a/proxy/metrics/resource");
  assert.match(text.headers.get("content-type")!, /^text\/plain; version=0\.0\.4/);
  const unknown = await ask("GET", "/api/v1/nodes/node-a/proxy/configz");
  assert.equal(unknown.status, 404);
});

Deno.test("a node reports of itself alone, and nobody else does", async () => {
  const { ask, report } = await cluster();
  const as = (user: string) => ({ authorization: `Bearer ${user}` });
  const put = (node: string, body: unknown, user: string) =>
    ask("PUT", `/node-reports/${node}`, body, as(user));
  assert.equal((await put("node-b", { ...REPORT, node: "node-b" }, "node-a")).status, 403);
  assert.equal((await put("node-a", { ...REPORT, node: "node-b" }, "node-a")).status, 400);
  assert.equal((await put("node-a", REPORT, "jane")).status, 403);
  assert.equal((await report({ ...REPORT, cpu: 5 })).status, 400);
  const books = { ...REPORT, pods: [{ ...REPORT.pods[0], name: "x".repeat(1_000_000) }] };
  assert.equal((await report(books)).status, 400);
  assert.equal((await report(REPORT)).status, 200);
});

async function cluster() {
  const users = {
    "node-a": nodeUser("node-a"),
    jane: { name: "jane", groups: ["system:authenticated"] },
  };
  const { ask, objects } = await freshApi({ users });
  const node = await new LocalClient(objects).create(nodes, { metadata: { name: "node-a" } });
  const conditions = [{ type: "Ready", status: "True" as const }];
  await new LocalClient(objects).updateStatus(nodes, {
    ...node,
    status: { ...node.status, conditions },
  });
  return {
    ...{ ask, objects },
    report: (body: unknown) =>
      ask("PUT", "/node-reports/node-a", body, { authorization: "Bearer node-a" }),
  };
}
