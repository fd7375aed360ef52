import assert from "node:assert/strict";
import type { Step } from "../e2e/steps.ts";
import { later } from "../eventually.ts";
import { newPodRuns } from "./link_steps.ts";
import type { Metered } from "./router.ts";
import type { Site } from "./site.ts";
import type { SitesLab } from "./sites_lab.ts";

const IS_LONG = (Deno.env.get("SITES") ?? "").split(",").includes("all");
/** How long a node at rest is measured; longer than the pings' distance. */
const REST_MS = IS_LONG ? 600_000 : 20_000;
/** Of IP packets both ways; a short measurement may have one ping more than its share. */
const REST_BITS_PER_SECOND_MAX = IS_LONG ? 250 : 400;
const REST_WINDOWS_MAX = 6;
const BIG_BYTES = 200_000;
/** Pings come every 15 s, and each renews the lease; more would be the fault of what lies before them. */
const RENEWAL_MS_MAX = 20_000;

/** What a node costs that does nothing. */
export const REST_STEPS: readonly Step<SitesLab>[] = [
  { name: "a node at rest costs next to nothing", run: atRest },
];

/** The same after all that has happened to it. */
export const REST_AGAIN_STEPS: readonly Step<SitesLab>[] = [
  { name: "a node that comes to rest again costs next to nothing", run: atRest },
];

export const POOR_STEPS: readonly Step<SitesLab>[] = [
  { name: "300 ms and 2 % loss: pods, logs and commands", run: far },
  {
    name: "64 kbit/s, 600 ms and 2 % loss: pods, and heartbeats beside big ConfigMaps",
    run: narrow,
  },
];

async function atRest(lab: SitesLab): Promise<void> {
  await Promise.all(lab.sites.map(siteAtRest));
}

/** The start of nodes and pods goes on for a while: one window without it shows the rest. */
async function siteAtRest({ node, router }: Site): Promise<void> {
  const seen: string[] = [];
  for (let window = 0; window < REST_WINDOWS_MAX; window++) {
    const before = await router.metered();
    await later(REST_MS);
    const after = await router.metered();
    const perSecond = bitsBetween(before, after) * 1_000 / REST_MS;
    if (perSecond <= REST_BITS_PER_SECOND_MAX) return;
    seen.push(`${perSecond.toFixed(0)} bit/s, ${after.up.packets - before.up.packets} packets up`);
  }
  assert.fail(`${node}, in windows of ${REST_MS} ms: ${seen.join("; ")}`);
}

function bitsBetween(before: Metered, after: Metered): number {
  const bytes = ({ up, down }: Metered) => up.bytes + down.bytes;
  return (bytes(after) - bytes(before)) * 8;
}

async function far(lab: SitesLab): Promise<void> {
  await lab.b.router.poor({ delayMs: 150, loss: 0.02 });
  await newPodRuns(lab, lab.b, "far");
  await works(lab);
}

async function narrow(lab: SitesLab): Promise<void> {
  await lab.b.router.poor({ delayMs: 300, loss: 0.02, bitsPerSecond: 64_000 });
  await newPodRuns(lab, lab.b, "narrow");
  await works(lab);
  const filled = "0123456789abcdef".repeat(BIG_BYTES / 16);
  await lab.cluster.apply({
    ...{ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "big" } },
    data: { filled },
  });
  const reading = lab.cluster.kubectl(
    "exec",
    "on-site-b",
    "--",
    "sh",
    "-c",
    `head -c ${BIG_BYTES} /dev/zero`,
  );
  let isOver = false;
  void reading.finally(() => isOver = true).catch(() => {});
  while (!isOver) {
    const ageMs = Date.now() - Date.parse(await renewedAt(lab));
    assert.ok(ageMs <= RENEWAL_MS_MAX, `the last heartbeat came ${ageMs} ms ago`);
    await later(500);
  }
  assert.equal((await reading).length, BIG_BYTES);
  await lab.b.router.fast();
  await lab.nodeIs(lab.b, "True");
}

async function renewedAt({ cluster, b }: SitesLab): Promise<string> {
  const path = `/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/${b.node}`;
  return (await cluster.get<{ spec: { renewTime: string } }>(path))!.spec.renewTime;
}

async function works({ cluster }: SitesLab): Promise<void> {
  assert.equal(await cluster.kubectl("exec", "on-site-b", "--", "hostname"), "on-site-b\n");
  assert.equal(await cluster.logs("on-site-b"), "");
}
