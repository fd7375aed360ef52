import assert from "node:assert/strict";
import type { Service } from "../../core/resources/core/services/services.ts";
import type { Step } from "../e2e/steps.ts";
import { freePort, serviceOf } from "../e2e/web_app.ts";
import { eventually } from "../eventually.ts";
import { NODES, saidOn } from "./site_pods.ts";
import type { SitesLab } from "./sites_lab.ts";

const ROUNDS = 40;

/** Services and routes whose endpoints are on nodes that have no way to each other but the server. */
export const TRAFFIC_STEPS: readonly Step<SitesLab>[] = [
  { name: "a Service by name, from each node to all", run: services },
  { name: "a Service of the own node, and one that prefers it", run: nearest },
  { name: "a Gateway splits exactly between sites", run: splits },
  { name: "the API server by its Service, from a site", run: apiServer },
];

async function services(lab: SitesLab): Promise<void> {
  await lab.cluster.apply(serviceOf("web"));
  const names = NODES.map((node) => `on-${node}`).sort();
  for (const node of NODES) {
    const lines = await saidOn(lab, node, `${untilAll("web", names.length)} ${asked("web", 12)}`);
    const counts = Map.groupBy(lines, (line) => line);
    assert.deepEqual([...counts.keys()].sort(), names, `from a pod on ${node}`);
  }
}

async function nearest(lab: SitesLab): Promise<void> {
  const selector = { app: "web" };
  await lab.cluster.apply(
    serviceOf("own", { selector, internalTrafficPolicy: "Local" }),
    serviceOf("near", { selector, trafficDistribution: "PreferSameNode" }),
  );
  for (const node of NODES) {
    for (const service of ["own", "near"]) {
      const lines = await saidOn(lab, node, `${untilAll(service, 1)} ${asked(service, 8)}`);
      assert.deepEqual([...new Set(lines)], [`on-${node}`], `${service} from a pod on ${node}`);
    }
  }
}

async function splits(lab: SitesLab): Promise<void> {
  const port = freePort();
  const services = NODES.map((node) =>
    serviceOf(`of-${node}`, { selector: { "statefulset.kubernetes.io/pod-name": node } })
  );
  await lab.cluster.apply(...services);
  for (const node of NODES) {
    await lab.cluster.kubectl(
      ...[
        "label",
        "--overwrite",
        "pod",
        `on-${node}`,
        `statefulset.kubernetes.io/pod-name=${node}`,
      ],
    );
  }
  const weights = [1, 2, 5];
  const backendRefs = NODES.map((node, i) => ({
    ...{ name: `of-${node}`, port: 80, weight: weights[i]! },
  }));
  await lab.cluster.apply(gateway(port), {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "HTTPRoute",
    metadata: { name: "all" },
    spec: { parentRefs: [{ name: "everywhere" }], rules: [{ backendRefs }] },
  });
  const gateways = [
    (path: string) => fetch(`http://127.0.0.1:${port}${path}`).then((answer) => answer.text()),
    (path: string) => lab.a.get(`http://${lab.a.router.siteIP}:${port}${path}`),
  ];
  for (const [i, ask] of gateways.entries()) {
    await eventually("the gateway answers", async () => (await ask("/")).startsWith("on-"));
    const counts: Record<string, number> = {};
    for (let round = 0; round < ROUNDS; round++) {
      const name = (await ask("/")).trim();
      counts[name] = (counts[name] ?? 0) + 1;
    }
    const shares = NODES.map((node) => counts[`on-${node}`] ?? 0);
    for (const [j, share] of shares.entries()) {
      const exact = weights[j]! * ROUNDS / 8;
      assert.ok(Math.abs(share - exact) <= 1, `gateway ${i}: ${shares} of ${ROUNDS}`);
    }
  }
}

/** The certificate is for its name; from the node's machine only its address is known. */
async function apiServer(lab: SitesLab): Promise<void> {
  const path = "/api/v1/namespaces/default/services/kubernetes";
  const { spec } = (await lab.cluster.get<Service>(path))!;
  const script = `const answer = await fetch("https://${spec.clusterIP}/version", {
    signal: AbortSignal.timeout(10_000) }); console.log((await answer.json()).gitVersion);`;
  const args = ["eval", "--unsafely-ignore-certificate-errors", script];
  const version = await lab.b.machine.run(Deno.execPath(), ...args);
  assert.match(version, /^v1\.\d+/);
}

/** A script: asks until so many different ones have answered a Service, for a minute at most; says nothing. */
function untilAll(service: string, count: number): string {
  return `i=0; while [ $i -lt 60 ]; do i=$((i+1));
    n=$(for j in 1 2 3 4 5 6; do ${ask(service)} 2> /dev/null; done | sort -u | wc -l);
    [ $n -ge ${count} ] && break; sleep 1; done;`;
}

/** A script: asks a Service so often. */
function asked(service: string, count: number): string {
  return `set -e; i=0; while [ $i -lt ${count} ]; do ${ask(service)}; i=$((i+1)); done`;
}

function ask(service: string): string {
  return `wget -q -O - http://${service}.default.svc.cluster.local/`;
}

function gateway(port: number): object {
  return {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "Gateway",
    metadata: { name: "everywhere" },
    spec: {
      gatewayClassName: "coracle",
      listeners: [{ name: "http", protocol: "HTTP", port }],
    },
  };
}
