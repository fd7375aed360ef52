import assert from "node:assert/strict";
import { Manifest, type ManifestCase } from "./manifests/manifest.ts";
import { NETWORK_CASES } from "./manifests/network_cases.ts";
import { POD_CASES } from "./manifests/pod_cases.ts";
import { STORAGE_CASES } from "./manifests/storage_cases.ts";
import { WORKLOAD_CASES } from "./manifests/workload_cases.ts";
import { type PodmanCluster, testOnPodman } from "./podman_cluster.ts";

const FOLDER = new URL("../manifests/", import.meta.url);
const CASES = [...WORKLOAD_CASES, ...POD_CASES, ...NETWORK_CASES, ...STORAGE_CASES];
/** `MANIFESTS=guestbook,quota`: these alone. */
const chosen = Deno.env.get("MANIFESTS")?.split(",");

testOnPodman({
  name: "manifests as people write them do what they promise",
  subnet: 180,
  stepsAtOnce: 4,
  steps: CASES.filter(({ name }) => chosen?.includes(name) ?? true).map((each) => ({
    name: `${each.name}: ${promiseOf(each)}`,
    run: (cluster: PodmanCluster) => keepsPromise(cluster, each),
  })),
});

Deno.test("each manifest is checked", () => {
  const files = [...Deno.readDirSync(FOLDER)].map(({ name }) => name.replace(/\.yaml$/, "")).sort();
  assert.deepEqual(CASES.map(({ name }) => name).sort(), files);
});

/** The first line of a manifest says what it promises. */
function promiseOf({ name }: ManifestCase): string {
  const [first = ""] = Deno.readTextFileSync(new URL(`${name}.yaml`, FOLDER)).split("\n");
  return first.replace(/^# /, "").replace(/\.$/, "");
}

async function keepsPromise(cluster: PodmanCluster, { name, check }: ManifestCase): Promise<void> {
  const applied = await Manifest.apply(cluster, name);
  await check(applied);
  await applied.remove();
}
