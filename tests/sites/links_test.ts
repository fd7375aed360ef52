import assert from "node:assert/strict";
import { testSteps } from "../e2e/steps.ts";
import { mainStatus, podOf } from "../e2e/podman_cluster.ts";
import { eventually } from "../eventually.ts";
import { labMissing, SitesLab } from "./sites_lab.ts";

testSteps({
  name: "two sites behind routers that let nothing in",
  missing: labMissing(),
  start: () => SitesLab.start({ subnet: 150 }),
  steps: [
    { name: "both join by a connection outwards, and run pods", run: joins },
    { name: "nothing reaches a site unasked", run: unreachable },
    { name: "a link that is cut is noticed, and heals", run: cut },
    { name: "a site that reboots: its pods come back", run: reboots },
  ],
});

async function joins(lab: SitesLab): Promise<void> {
  const { cluster } = lab;
  for (const site of lab.sites) {
    await lab.join(site);
    await lab.startJoined(site);
  }
  for (const site of lab.sites) {
    await lab.nodeIs(site, "True");
    const nodeSelector = { "kubernetes.io/hostname": site.node };
    await cluster.apply(podOf(`on-${site.node}`, { script: SERVE, spec: { nodeSelector } }));
  }
  for (const { node } of lab.sites) {
    const { status } = await cluster.readyPod(`on-${node}`);
    const site = lab.sites.find((each) => each.node === node)!;
    const url = `http://${status.podIP}:8080/`;
    await eventually("it answers", async () => await site.get(url) === `on-${node}`);
  }
}

async function unreachable(lab: SitesLab): Promise<void> {
  for (const site of lab.sites) {
    const connecting = Deno.connect({ hostname: site.router.ip, port: 22 });
    const answered = await Promise.race([connecting.then(() => true, () => true), soon()]);
    assert.equal(answered, false, "nobody answers, not even by a refusal");
  }
}

async function cut(lab: SitesLab): Promise<void> {
  const before = await lab.a.containerIds();
  await lab.a.router.cut();
  await lab.nodeIs(lab.a, "Unknown");
  await lab.a.router.mend();
  await lab.nodeIs(lab.a, "True");
  assert.deepEqual(await lab.a.containerIds(), before);
}

async function reboots(lab: SitesLab): Promise<void> {
  await lab.a.reboot();
  await lab.startJoined(lab.a);
  const name = `on-${lab.a.node}`;
  await lab.cluster.podWhen(name, (pod) => mainStatus(pod).restartCount === 1);
  const { status } = await lab.cluster.readyPod(name);
  const url = `http://${status.podIP}:8080/`;
  await eventually("it answers", async () => await lab.a.get(url) === name);
}

/** Answers with its host name. */
const SERVE = "mkdir /www; hostname > /www/index.html; exec httpd -f -p 8080 -h /www";

function soon(): Promise<boolean> {
  return new Promise((resolve) => setTimeout(() => resolve(false), 1_000));
}
