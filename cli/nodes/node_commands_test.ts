import assert from "node:assert/strict";
import { freshApi } from "../../core/api/api_fixture.ts";
import { HttpClient } from "../../core/client/http_client.ts";
import { ServerTime } from "../../core/client/server_time.ts";
import { ServerLink } from "../../core/client/server_link.ts";
import { silentLog } from "../../core/lib/log.ts";
import { VirtualClock } from "../../core/lib/virtual_clock.ts";
import { LocalClient } from "../../core/objects/local_client.ts";
import { leases } from "../../core/resources/coordination/leases.ts";
import { nodes } from "../../core/resources/core/nodes/nodes.ts";
import { pods } from "../../core/resources/core/pods/pods.ts";
import { podDisruptionBudgets } from "../../core/resources/policy/pod_disruption_budgets.ts";
import { cordon } from "./cordon.ts";
import { drain } from "./drain.ts";
import { listNodes } from "./node_list.ts";
import { nodeServer } from "./node_server.ts";

const START = Date.parse("2026-01-01T00:00:00Z");
const RULES = { ignoreDaemonsets: false, deleteEmptydirData: false, force: true, timeoutMs: 0 };

/** A cluster with one node, and what commands say to people about it. */
async function clusterOfOne() {
  const clock = new VirtualClock(START);
  const { ask, objects } = await freshApi({ clock });
  const link = new ServerLink({
    transport: ({ method, path, body }) => ask(method, path, body && JSON.parse(body)),
    ...{ clock, log: silentLog(clock), server: "test" },
  });
  const said = { out: "", err: "" };
  const terminal = {
    out: (text: string) => void (said.out += text),
    err: (text: string) => void (said.err += text),
    interactive: false,
    signal: new AbortController().signal,
  };
  const local = new LocalClient(objects);
  const admin = { link, client: new HttpClient(link), time: new ServerTime(clock), server: "test" };
  await local.create(nodes, { metadata: { name: "edge" } });
  return { clock, local, said, terminal, server: nodeServer({ ...admin, send: unused }, clock) };
}

function unused(): never {
  throw new Error("nothing but JSON is asked for here");
}

/** As an agent does when it has ended the pod. */
async function endPod(local: LocalClient, name: string): Promise<void> {
  await local.delete(pods, { namespace: "default", name }, { gracePeriodSeconds: 0 });
}

function podOn(node: string, name: string) {
  const spec = { nodeName: node, containers: [{ name: "main", image: "x" }] };
  return { metadata: { name, namespace: "default", labels: { app: name } }, spec };
}

Deno.test("a node is cordoned once, and uncordoned once", async () => {
  const { local, said, terminal, server } = await clusterOfOne();
  for (const unschedulable of [true, true, false, false]) {
    await cordon(server, "edge", { unschedulable }, terminal);
  }
  assert.equal(
    said.out,
    "node/edge cordoned\nnode/edge already cordoned\nnode/edge uncordoned\nnode/edge already uncordoned\n",
  );
  assert.equal(local.get(nodes, { name: "edge" })!.spec.unschedulable, undefined);
  await assert.rejects(
    cordon(server, "other", { unschedulable: true }, terminal),
    { message: 'nodes "other" not found' },
  );
});

Deno.test("a drain waits for budgets and for pods to end, and says what it does", async () => {
  const { clock, local, said, terminal, server } = await clusterOfOne();
  for (const name of ["kept", "web"]) {
    const pod = await local.create(pods, podOn("edge", name));
    const status = { ...pod.status, phase: "Running" as const };
    await local.updateStatus(pods, { ...pod, status });
  }
  const budget = await local.create(podDisruptionBudgets, {
    metadata: { name: "kept", namespace: "default" },
    spec: { minAvailable: 1, selector: { matchLabels: { app: "kept" } } },
  });
  const draining = drain(server, "edge", RULES, terminal);
  await clock.advance(4_000);
  await endPod(local, "web");
  await clock.advance(2_000);
  const status = { ...budget.status, disruptionsAllowed: 1, observedGeneration: 1 };
  await local.updateStatus(podDisruptionBudgets, {
    ...local.get(podDisruptionBudgets, budget.metadata)!,
    status,
  });
  await clock.advance(5_000);
  await endPod(local, "kept");
  await clock.advance(1_000);
  await draining;
  assert.deepEqual(said.out.split("\n").sort(), [
    "",
    "evicting pod default/kept",
    "evicting pod default/web",
    "node/edge cordoned",
    "node/edge drained",
    "pod/kept evicted",
    "pod/web evicted",
  ]);
  assert.match(
    said.err,
    /^Warning: deleting Pods that declare no controller: default\/kept, default\/web\nerror when evicting pods\/"kept" -n "default" \(will retry after 5s\): Cannot evict pod as it would violate the pod's disruption budget\.\n/,
  );
});

Deno.test("a drain that may not be done evicts nothing, one that takes too long says which pods are left", async () => {
  const { clock, local, terminal, server } = await clusterOfOne();
  await local.create(pods, podOn("edge", "web"));
  await assert.rejects(drain(server, "edge", { ...RULES, force: false }, terminal), {
    message:
      'unable to drain node "edge" due to error: cannot delete Pods that declare no controller (use --force to override): default/web; it stays cordoned',
  });
  assert.equal(
    local.get(pods, { namespace: "default", name: "web" })!.metadata.deletionTimestamp,
    undefined,
  );
  const draining = drain(server, "edge", { ...RULES, timeoutMs: 3_000 }, terminal);
  const refused = assert.rejects(draining, {
    message:
      'unable to drain node "edge" due to error: error when waiting for pod "web" in namespace "default" to terminate: global timeout reached: 3s',
  });
  await clock.advance(5_000);
  await refused;
});

Deno.test("the list of nodes says how each is connected", async () => {
  const { clock, local, said, terminal, server } = await clusterOfOne();
  await local.create(leases, {
    metadata: {
      name: "edge",
      namespace: "kube-node-lease",
      annotations: { "coracle.dev/link": "tunnel", "coracle.dev/round-trip-ms": "12" },
    },
    spec: { renewTime: "2026-01-01T00:00:00.000000Z" },
  });
  await local.create(nodes, { metadata: { name: "other" } });
  await clock.advance(7_000);
  await listNodes(server, terminal);
  assert.deepEqual(
    said.out.split("\n").map((line) => line.split(/ {2,}/)),
    [
      ["NAME", "STATUS", "ROLES", "AGE", "VERSION", "LINK", "ROUND-TRIP", "LAST-SEEN"],
      ["edge", "Unknown", "<none>", "7s", "", "tunnel", "12ms", "7s ago"],
      ["other", "Unknown", "<none>", "7s", "", "-", "-", "-"],
      [""],
    ].map((row) => row[4] === "" ? [...row.slice(0, 4), ...row.slice(5)] : row),
  );
});
