import assert from "node:assert/strict";
import type { Service } from "../../core/resources/core/services/services.ts";
import { mainStatus, podOf } from "../e2e/podman_cluster.ts";
import { gatewayOn, routeTo } from "../e2e/web_app.ts";
import type { Step } from "../e2e/steps.ts";
import { freePort } from "../e2e/web_app.ts";
import { eventually, later } from "../eventually.ts";
import { serverDies } from "./link_steps.ts";
import { onNode, urlOf, webAppOn } from "./site_pods.ts";
import { SiteLoad } from "./site_load.ts";
import type { SitesLab } from "./sites_lab.ts";

const IS_LONG = (Deno.env.get("SITES") ?? "").split(",").includes("all");
const CUT_MS = IS_LONG ? 60_000 : 5_000;
const PER_SECOND = 500;
const port = freePort();

/** A site that goes on by itself. */
export const ALONE_STEPS: readonly Step<SitesLab>[] = [
  { name: "a site's own gateway serves its users", run: ownGateway },
  { name: `a cut of ${CUT_MS / 1000} s under load: no request fails`, run: cutUnderLoad },
  { name: "kill -9 of the server under load: no request fails, agents are back", run: deadServer },
  {
    name: "changes on both sides while cut off: nothing right is restarted",
    run: changesMeanwhile,
  },
  {
    name: "a pod that fails its probe while cut off is passed over, until it is well again",
    run: unready,
  },
  { name: "a reboot without the uplink: pods, names and the gateway are back", run: rebootsAlone },
];

async function ownGateway(lab: SitesLab): Promise<void> {
  const gateway = gatewayOn(port) as { spec: object };
  const infrastructure = { labels: { "coracle.dev/nodes": "site-a" } };
  await lab.cluster.kubectl("label", "node", "site-a", "coracle.dev/nodes=site-a");
  await lab.cluster.kubectl("annotate", "node", "site-a", "coracle.dev/autonomy=forever");
  await lab.cluster.apply(
    ...webAppOn("site-a", { name: "shop", version: "1", replicas: 2 }),
    { ...gateway, spec: { ...gateway.spec, infrastructure } },
    routeTo({ shop: 1 }),
  );
  await lab.cluster.kubectl("rollout", "status", "deployment/shop", "--timeout=60s");
  await eventually("it answers", async () => await lab.a.get(gatewayUrl(lab)) === "1");
}

function gatewayUrl({ a }: SitesLab): string {
  return `http://${a.router.siteIP}:${port}/`;
}

/** Runs `act` under load on the gateway of site A, none of which may fail. */
async function underLoad(lab: SitesLab, act: () => Promise<void>): Promise<void> {
  const hostname = lab.a.router.siteIP;
  const load = await SiteLoad.start(lab.a, { hostname, port, perSecond: PER_SECOND });
  await later(1_000);
  const startMs = performance.now();
  const acted = await Promise.allSettled([act()]);
  const seconds = (performance.now() - startMs) / 1_000;
  await later(1_000);
  const { sent, failures } = await load.stop();
  if (acted[0]!.status === "rejected") throw acted[0]!.reason;
  assert.deepEqual(failures.slice(0, 5), [], `${failures.length} of ${sent} failed`);
  assert.ok(sent >= PER_SECOND * seconds * 0.5, `only ${sent} requests in ${seconds} s`);
}

async function cutUnderLoad(lab: SitesLab): Promise<void> {
  const before = await lab.a.containerIds();
  await underLoad(lab, async () => {
    await lab.a.router.cut();
    await later(CUT_MS);
    await lab.a.router.mend();
    await lab.nodeIs(lab.a, "True");
    await later(2_000);
  });
  assert.deepEqual(await lab.a.containerIds(), before);
}

async function deadServer(lab: SitesLab): Promise<void> {
  await underLoad(lab, () => serverDies(lab));
}

/** At the server a pod is deleted and another one made; at the site a container dies, and is restarted. */
async function changesMeanwhile(lab: SitesLab): Promise<void> {
  const { cluster, a } = lab;
  const before = await containersOf(lab);
  const [victim] = await cluster.pods("app=shop");
  const name = victim!.metadata.name;
  await a.router.cut();
  await cluster.kubectl("scale", "deployment/shop", "--replicas=3");
  await cluster.kubectl("label", "node", "site-a", "changed=meanwhile");
  await signal(lab, mainStatus(victim!).containerID!, "KILL");
  await later(IS_LONG ? 60_000 : 3_000);
  await a.router.mend();
  await cluster.kubectl("rollout", "status", "deployment/shop", "--timeout=60s");
  const restarted = await cluster.podWhen(name, ({ status }) => {
    return status.containerStatuses?.[0]?.restartCount === 1 && status.containerStatuses[0].ready;
  });
  const after = await containersOf(lab);
  for (const [pod, id] of before) {
    if (pod !== restarted.metadata.name) assert.equal(after.get(pod), id, `container of ${pod}`);
  }
}

async function signal({ a }: SitesLab, id: string, name: string): Promise<void> {
  using podman = a.openPodman();
  const path = `/containers/${id.replace("podman://", "")}/kill`;
  await podman.client.send("POST", path, { query: { signal: name } });
}

/** Pods of site A, and the ids of their containers. */
async function containersOf({ cluster }: SitesLab): Promise<Map<string, string>> {
  const path = "/api/v1/namespaces/default/pods?fieldSelector=spec.nodeName%3Dsite-a";
  const { items } = (await cluster.get<{ items: PodLike[] }>(path))!;
  return new Map(items.map(({ metadata, status }) => [
    metadata.name,
    status.containerStatuses?.[0]?.containerID ?? "",
  ]));
}

interface PodLike {
  metadata: { name: string };
  status: { containerStatuses?: { containerID?: string }[] };
}

/** Answers with its host name; ready while a file is there, which USR1 removes and makes in turns. */
const PROBED = `mkdir /www; hostname > /www/index.html; touch /www/ready
httpd -f -p 8080 -h /www &
trap 'rm /www/ready 2> /dev/null || touch /www/ready' USR1
while kill -0 $!; do wait $!; done`;

async function unready(lab: SitesLab): Promise<void> {
  const { cluster, a } = lab;
  const labels = { app: "probed" };
  const readinessProbe = { httpGet: { port: 8080, path: "/ready" }, periodSeconds: 1 };
  const draft = { labels, script: PROBED, container: { readinessProbe }, spec: onNode("site-a") };
  const ports = [{ port: 80, targetPort: 8080 }];
  await cluster.apply(
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "probed" },
      spec: { selector: labels, ports },
    },
    ...["one", "two"].map((name) => podOf(name, draft)),
  );
  for (const name of ["one", "two"]) await cluster.readyPod(name);
  const service = (await cluster.get<Service>("/api/v1/namespaces/default/services/probed"))!;
  const url = `http://${service.spec.clusterIP}/`;
  const answers = async () => {
    const bodies = await Promise.all(Array.from({ length: 20 }, () => a.get(url)));
    return [...new Set(bodies)].sort().join();
  };
  await eventually("both answer", async () => await answers() === "one,two");
  const id = mainStatus((await cluster.pod("one"))!).containerID!;
  await a.router.cut();
  await signal(lab, id, "USR1");
  await eventually("one is passed over", async () => await answers() === "two");
  await signal(lab, id, "USR1");
  await eventually("it is taken again", async () => await answers() === "one,two");
  await signal(lab, id, "USR1");
  await eventually("one is passed over", async () => await answers() === "two");
  await a.router.mend();
  await cluster.podWhen("one", (pod) => !mainStatus(pod).ready);
  await lab.nodeIs(a, "True");
  for (let i = 0; i < 5; i++) assert.equal(await answers(), "two", "nor when the server is back");
  for (const name of ["one", "two"]) await cluster.delete("pod", name);
}

async function rebootsAlone(lab: SitesLab): Promise<void> {
  const { cluster, a } = lab;
  await a.router.cut();
  await a.reboot();
  const startMs = performance.now();
  await a.startAgent(lab.ranges);
  await eventually("the gateway answers", async () => await a.get(gatewayUrl(lab)) === "1");
  const tookMs = performance.now() - startMs;
  assert.ok(tookMs < 20_000, `the gateway was back after ${Math.round(tookMs)} ms`);
  const pod = (await cluster.pod("on-site-a"))!;
  await eventually("its pod answers", async () => await a.get(urlOf(pod)) === "on-site-a");
  const ids = await a.containerIds();
  await a.router.mend();
  await lab.nodeIs(a, "True");
  await cluster.readyPod("on-site-a");
  assert.deepEqual(await a.containerIds(), ids, "nothing was restarted by the reconnect");
}
