import assert from "node:assert/strict";
import { mainStatus, podOf } from "../e2e/podman_cluster.ts";
import type { Step } from "../e2e/steps.ts";
import { eventually, later } from "../eventually.ts";
import type { Site } from "./site.ts";
import type { SitesLab } from "./sites_lab.ts";
import { SERVE, urlOf } from "./site_pods.ts";

/** Agents are back after the server has died and come again. */
const BACK_MS_MAX = 2_000;

export const LINK_STEPS: readonly Step<SitesLab>[] = [
  { name: "nothing reaches a site unasked", run: unreachable },
  { name: "a link that is cut is noticed, and heals", run: cut },
  { name: "a router forgets all connections, whatever it does with what follows", run: forgets },
  { name: "a cable that is pulled and plugged in again", run: unplugged },
  { name: "a site that reboots: its pods come back", run: reboots },
];

async function unreachable(lab: SitesLab): Promise<void> {
  for (const site of lab.sites) {
    const connecting = Deno.connect({ hostname: site.router.ip, port: 22 });
    const isAnswered = connecting.then((connection) => {
      connection.close();
      return true;
    }, () => true);
    const silence = later(1_000).then(() => false);
    assert.equal(await Promise.race([isAnswered, silence]), false, "not even a refusal");
  }
}

async function cut(lab: SitesLab): Promise<void> {
  const before = await lab.a.containerIds();
  await lab.a.router.cut();
  await lab.nodeIs(lab.a, "Unknown");
  const name = "on-site-a";
  assert.equal(await lab.a.get(urlOf((await lab.cluster.pod(name))!)), name);
  await lab.a.router.mend();
  await lab.nodeIs(lab.a, "True");
  assert.deepEqual(await lab.a.containerIds(), before);
}

async function forgets(lab: SitesLab): Promise<void> {
  for (const forgotten of ["dropped", "refused", "adopted"] as const) {
    await lab.a.router.forget(forgotten);
    await newPodRuns(lab, lab.a, `after-${forgotten}`);
  }
}

async function unplugged(lab: SitesLab): Promise<void> {
  await lab.b.router.unplug();
  await later(2_000);
  await lab.b.router.plug();
  await newPodRuns(lab, lab.b, "after-unplugged");
}

/** What the server wants arrives at the site, and what the site has done at the server. */
export async function newPodRuns(lab: SitesLab, site: Site, name: string): Promise<void> {
  const nodeSelector = { "kubernetes.io/hostname": site.node };
  await lab.cluster.apply(podOf(name, { script: SERVE, spec: { nodeSelector } }));
  await lab.cluster.readyPod(name);
  await lab.cluster.delete("pod", name);
}

/** `kill -9` of the server, and a start on its data: the agents are back at once. */
export async function serverDies(lab: SitesLab): Promise<void> {
  const { cluster } = lab;
  const before = await Promise.all(lab.sites.map((site) => site.containerIds()));
  await cluster.server.kill();
  await later(1_000);
  cluster.server = await cluster.server.restart();
  const startMs = performance.now();
  await Promise.all(lab.sites.map((site) => backAfter(lab, site)));
  const backMs = performance.now() - startMs;
  assert.ok(backMs <= BACK_MS_MAX, `back after ${Math.round(backMs)} ms`);
  assert.deepEqual(await Promise.all(lab.sites.map((site) => site.containerIds())), before);
}

/** A command that runs on a site's node has come through its connection. */
async function backAfter(lab: SitesLab, { node }: Site): Promise<void> {
  await eventually(
    "its logs are read",
    async () => {
      const answer = await lab.cluster.server.fetch(
        `/api/v1/namespaces/default/pods/on-${node}/log`,
      );
      return answer.ok;
    },
  );
}

/** Kills all at a site, and starts its agent again, with the server in reach. */
async function reboots(lab: SitesLab): Promise<void> {
  const name = `on-${lab.a.node}`;
  const before = mainStatus((await lab.cluster.pod(name))!).restartCount;
  await lab.a.reboot();
  await lab.startJoined(lab.a);
  await lab.cluster.podWhen(name, (pod) => mainStatus(pod).restartCount === before + 1);
  const pod = await lab.cluster.readyPod(name);
  await eventually("it answers", async () => await lab.a.get(urlOf(pod)) === name);
}
