import assert from "node:assert/strict";
import type { Pod } from "../../../core/resources/core/pods/pods.ts";
import { type FieldCase, isOver, under } from "./field_case.ts";
import { podOf, type ProcessCluster } from "./process_cluster.ts";

const NEEDED =
  "affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[]";
const WISHED = "affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[]";
const RULE = ["key", "operator", "values"];

/** Keeps all but the pods of one case off that case's nodes. */
export const DOCK = "example.com/dock";

/** Where pods go. Most go to nodes that exist in the API alone: being bound is what is looked at. */
export const SCHEDULING_CASES: readonly FieldCase<ProcessCluster>[] = [
  { name: "a pod is on the node that it names", fields: ["nodeName"], run: nodeName },
  { name: "a pod goes to nodes with its labels", fields: ["nodeSelector"], run: nodeSelector },
  {
    name: "a pod goes to the nodes that it needs to be on",
    fields: [
      ...under(`${NEEDED}.matchExpressions[]`, ...RULE),
      ...under(`${NEEDED}.matchFields[]`, ...RULE),
    ],
    run: neededNodes,
  },
  {
    name: "a pod goes to the nodes that it would rather be on",
    fields: [
      `${WISHED}.weight`,
      ...under(`${WISHED}.preference.matchExpressions[]`, ...RULE),
      ...under(`${WISHED}.preference.matchFields[]`, ...RULE),
    ],
    run: wishedNodes,
  },
  {
    name: "a pod goes to a tainted node when it tolerates the taint",
    fields: under("tolerations[]", "key", "operator", "value", "effect"),
    run: tolerations,
  },
  {
    name: "a pod leaves a tainted node when it has tolerated that for long enough",
    fields: ["tolerations[].tolerationSeconds"],
    run: tolerationSeconds,
  },
  {
    name: "a pod of another scheduler is left to it",
    fields: ["schedulerName"],
    run: schedulerName,
  },
  {
    name: "a pod is not scheduled while it has a gate",
    fields: ["schedulingGates[].name"],
    run: schedulingGates,
  },
  {
    name: "a pod that requests more than there is waits",
    fields: ["containers[].resources.requests"],
    run: requests,
  },
  {
    name: "a Service finds the port of its pods by name and protocol",
    fields: ["containers[].ports[].protocol"],
    run: protocol,
  },
];

interface NodeDraft {
  labels?: Record<string, string>;
  taints?: object[];
}

/** Makes nodes that no agent runs; only pods that tolerate their dock can go there. */
export async function makeNodes(
  cluster: ProcessCluster,
  dock: string,
  drafts: Record<string, NodeDraft>,
): Promise<void> {
  const allocatable = { cpu: "4", memory: "4Gi", pods: "10" };
  const conditions = [{ type: "Ready", status: "True" }];
  for (const [name, { labels = {}, taints = [] }] of Object.entries(drafts)) {
    const node = {
      ...{ apiVersion: "v1", kind: "Node", metadata: { name, labels } },
      spec: { taints: [{ key: DOCK, value: dock, effect: "NoSchedule" }, ...taints] },
    };
    await cluster.send("POST", "/api/v1/nodes", node);
    const status = { status: { allocatable, capacity: allocatable, conditions } };
    await cluster.send("PATCH", `/api/v1/nodes/${name}/status`, status);
    // Until its status was there it was not ready, and may have been tainted for that.
    await cluster.answerWhen(
      `/api/v1/nodes/${name}`,
      (node) => !JSON.stringify(node["spec"]).includes("node.kubernetes.io/"),
    );
  }
}

/** A pod for the nodes of a dock. */
function docked(name: string, dock: string, spec: object = {}, tolerations: object[] = []): object {
  const own = { key: DOCK, value: dock, effect: "NoSchedule" };
  return podOf(name, {
    spec: { nodeSelector: { dock }, tolerations: [own, ...tolerations], ...spec },
  });
}

/** Where a pod is put. It is then taken away, as no agent does. */
export async function nodeOf(cluster: ProcessCluster, pod: string): Promise<string> {
  const { spec } = await cluster.podWhen(pod, ({ spec }) => spec.nodeName);
  await cluster.delete(pod, "?gracePeriodSeconds=0");
  return spec.nodeName!;
}

export async function isUnschedulable(
  cluster: ProcessCluster,
  pod: string,
  message: RegExp,
): Promise<void> {
  await cluster.podWhen(
    pod,
    ({ status }) =>
      status.conditions?.some(({ reason, message: text = "" }) =>
        reason === "Unschedulable" && message.test(text)
      ),
  );
}

async function nodeName(cluster: ProcessCluster): Promise<void> {
  await makeNodes(cluster, "named", { "named-1": {} });
  await cluster.apply(podOf("named", { spec: { nodeName: "named-1" } }));
  const { metadata } = await cluster.podWhen("named", () => true);
  assert.equal(await nodeOf(cluster, "named"), "named-1");
  const events = (await cluster.events("named")).filter(({ reason }) => reason === "Scheduled");
  assert.deepEqual(events, [], `nobody has put ${metadata.name} there`);
}

async function nodeSelector(cluster: ProcessCluster): Promise<void> {
  const dock = "selected";
  await makeNodes(cluster, dock, {
    "selected-1": { labels: { dock, disk: "old" } },
    "selected-2": { labels: { dock, disk: "new" } },
  });
  const spec = (disk: string) => ({ nodeSelector: { dock, disk } });
  await cluster.apply(docked("selected", dock, spec("new")), docked("none", dock, spec("none")));
  assert.equal(await nodeOf(cluster, "selected"), "selected-2");
  await isUnschedulable(cluster, "none", /didn't match Pod's node affinity\/selector/);
  await cluster.delete("none");
}

async function neededNodes(cluster: ProcessCluster): Promise<void> {
  const dock = "needed";
  await makeNodes(cluster, dock, {
    "needed-1": { labels: { dock, depth: "3" } },
    "needed-2": { labels: { dock, depth: "9", covered: "" } },
  });
  const term = (term: object) => ({
    affinity: {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [term] },
      },
    },
  });
  const terms = {
    in: { matchExpressions: [{ key: "depth", operator: "In", values: ["9", "10"] }] },
    "not-in": { matchExpressions: [{ key: "depth", operator: "NotIn", values: ["3"] }] },
    exists: { matchExpressions: [{ key: "covered", operator: "Exists" }] },
    "not-exists": { matchExpressions: [{ key: "covered", operator: "DoesNotExist" }] },
    gt: { matchExpressions: [{ key: "depth", operator: "Gt", values: ["5"] }] },
    lt: { matchExpressions: [{ key: "depth", operator: "Lt", values: ["5"] }] },
    field: { matchFields: [{ key: "metadata.name", operator: "In", values: ["needed-1"] }] },
  };
  const names = Object.keys(terms).map((name) => `needed-${name}`);
  await cluster.apply(
    ...Object.entries(terms).map(([name, each]) => docked(`needed-${name}`, dock, term(each))),
  );
  const places = await Promise.all(names.map((name) => nodeOf(cluster, name)));
  assert.deepEqual(Object.fromEntries(Object.keys(terms).map((name, i) => [name, places[i]])), {
    ...{ in: "needed-2", "not-in": "needed-2", exists: "needed-2", "not-exists": "needed-1" },
    ...{ gt: "needed-2", lt: "needed-1", field: "needed-1" },
  });
}

async function wishedNodes(cluster: ProcessCluster): Promise<void> {
  const dock = "wished";
  await makeNodes(cluster, dock, {
    "wished-1": { labels: { dock, sun: "much" } },
    "wished-2": { labels: { dock, wind: "much" } },
  });
  const wish = (weight: number, rules: object) => ({ weight, preference: rules });
  const label = (key: string) => ({
    matchExpressions: [{ key, operator: "In", values: ["much"] }],
  });
  const field = (name: string) => ({
    matchFields: [{ key: "metadata.name", operator: "In", values: [name] }],
  });
  const spec = (...wishes: object[]) => ({
    affinity: { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: wishes } },
  });
  const wishes = {
    "wished-sun": spec(wish(90, label("sun")), wish(10, label("wind"))),
    "wished-wind": spec(wish(10, label("sun")), wish(90, label("wind"))),
    "wished-name": spec(wish(10, field("wished-1")), wish(90, field("wished-2"))),
  };
  await cluster.apply(
    ...Object.entries(wishes).map(([name, each]) => docked(name, dock, each)),
  );
  const places = await Promise.all(Object.keys(wishes).map((name) => nodeOf(cluster, name)));
  assert.deepEqual(places, ["wished-1", "wished-2", "wished-2"]);
}

async function tolerations(cluster: ProcessCluster): Promise<void> {
  const dock = "tainted";
  const taint = { key: "wet", value: "very", effect: "NoSchedule" };
  await makeNodes(cluster, dock, { "tainted-1": { labels: { dock }, taints: [taint] } });
  const good = {
    "tolerates-it": taint,
    "tolerates-key": { key: "wet", operator: "Exists" },
    "tolerates-all": { operator: "Exists" },
  };
  const bad = {
    "tolerates-other-key": { ...taint, key: "dry" },
    "tolerates-other-value": { ...taint, value: "little" },
    "tolerates-other-effect": { ...taint, effect: "NoExecute" },
  };
  await cluster.apply(
    ...Object.entries({ ...good, ...bad }).map(([name, each]) => docked(name, dock, {}, [each])),
  );
  for (const name of Object.keys(good)) assert.equal(await nodeOf(cluster, name), "tainted-1");
  for (const name of Object.keys(bad)) {
    await isUnschedulable(cluster, name, /untolerated taint\(s\)/);
    await cluster.delete(name);
  }
}

async function tolerationSeconds(cluster: ProcessCluster): Promise<void> {
  const taint = { key: "storm", effect: "NoExecute" };
  const dock = "leaving";
  await makeNodes(cluster, dock, { "leaving-1": { labels: { dock }, taints: [taint] } });
  const pod = (name: string, seconds?: number) =>
    docked(name, dock, {}, [{
      ...{ ...taint, operator: "Exists" },
      ...(seconds && { tolerationSeconds: seconds }),
    }]);
  await cluster.apply(pod("stays"), pod("leaves", 1));
  await cluster.podWhen("leaves", ({ metadata }) => metadata.deletionTimestamp);
  await cluster.eventOf("leaves", "TaintManagerEviction", /default\/leaves/);
  const { metadata } = await cluster.podWhen("stays", () => true);
  assert.equal(metadata.deletionTimestamp, undefined);
  for (const name of ["stays", "leaves"]) await cluster.delete(name, "?gracePeriodSeconds=0");
}

async function schedulerName(cluster: ProcessCluster): Promise<void> {
  await cluster.apply(podOf("elsewhere", { spec: { schedulerName: "elsewhere" } }));
  await cluster.apply(podOf("here", { spec: { schedulerName: "default-scheduler" } }));
  await cluster.podWhen("here", isOver);
  const { spec } = await cluster.podWhen("elsewhere", () => true);
  assert.equal(spec.nodeName, undefined);
  await cluster.delete("elsewhere");
}

async function schedulingGates(cluster: ProcessCluster): Promise<void> {
  const schedulingGates = [{ name: "example.com/a" }];
  await cluster.apply(podOf("gated", { spec: { schedulingGates } }), podOf("ungated", {}));
  await cluster.podWhen("ungated", isOver);
  const isGated = ({ status }: Pod) =>
    status.conditions?.some(({ reason }) => reason === "SchedulingGated");
  assert.equal((await cluster.podWhen("gated", isGated)).spec.nodeName, undefined);
  await cluster.send("PATCH", "/api/v1/namespaces/default/pods/gated", {
    spec: { schedulingGates: null },
  });
  await cluster.podWhen("gated", isOver);
}

async function requests(cluster: ProcessCluster): Promise<void> {
  const resources = { requests: { cpu: "1000" } };
  await cluster.apply(podOf("too-much", { container: { resources } }));
  await isUnschedulable(cluster, "too-much", /Insufficient cpu/);
  await cluster.delete("too-much");
}

async function protocol(cluster: ProcessCluster): Promise<void> {
  const ports = [
    { name: "dns", containerPort: 5301, protocol: "UDP" },
    { name: "dns-tcp", containerPort: 5302 },
  ];
  await cluster.apply(
    podOf("lookout", {
      metadata: { labels: { app: "lookout" } },
      script: "sleep 600",
      container: { ports },
    }),
    {
      ...{ apiVersion: "v1", kind: "Service", metadata: { name: "lookout" } },
      spec: {
        selector: { app: "lookout" },
        ports: [
          { name: "a", port: 53, protocol: "UDP", targetPort: "dns" },
          { name: "b", port: 54, protocol: "TCP", targetPort: "dns" },
        ],
      },
    },
  );
  const selector = encodeURIComponent("kubernetes.io/service-name=lookout");
  const path =
    `/apis/discovery.k8s.io/v1/namespaces/default/endpointslices?labelSelector=${selector}`;
  await cluster.answerWhen(path, ({ items }) => {
    const slices = items as { endpoints: unknown[]; ports: { port: number; protocol: string }[] }[];
    const shown = slices.filter(({ endpoints }) => endpoints.length > 0)
      .flatMap(({ ports }) => ports).map(({ port, protocol }) => `${port}/${protocol}`);
    return shown.join() === "5301/UDP";
  });
  await cluster.delete("lookout", "?gracePeriodSeconds=0");
}
