import assert from "node:assert/strict";
import { eventually } from "../../eventually.ts";
import { isOver } from "../podman_cluster.ts";
import { answerOf, type Manifest, type ManifestCase } from "./manifest.ts";

/** Manifests of claims, volumes and folders. */
export const STORAGE_CASES: readonly ManifestCase[] = [
  { name: "wordpress-mysql", check: wordpress },
  { name: "mosquitto", check: mosquitto },
  { name: "static-volume", check: staticVolume },
  { name: "ephemeral-claim", check: ephemeralClaim },
  { name: "memory-disk", check: memoryDisk },
  { name: "sub-path-expr", check: subPathExpr },
];

async function wordpress(applied: Manifest): Promise<void> {
  const [mysql] = await applied.ready("tier=mysql");
  await applied.ready("tier=frontend");
  const balancer = await eventually("the load balancer has an address", async () => {
    const { status } = (await applied.get("services/wordpress"))!;
    return status.loadBalancer?.ingress?.[0]?.ip as string | undefined;
  });
  const url = `http://${balancer}:20080/cgi-bin/id`;
  const first = `s3cret ${mysql!.metadata.name}`;
  assert.equal(await answerOf(url), first);
  await applied.kubectl("delete", "pod", mysql!.metadata.name, "--now");
  await eventually("another pod of the database", async () => {
    const [pod] = await applied.ready("tier=mysql");
    return pod!.metadata.uid !== mysql!.metadata.uid;
  });
  await eventually("what was written is there", async () => (await answerOf(url)) === first);
}

async function mosquitto(applied: Manifest): Promise<void> {
  const [pod] = await applied.ready("app=mosquitto");
  const { name } = pod!.metadata;
  assert.match(await applied.exec(name, "cat /data/seen"), /^listener 1883$/m);
  assert.equal((await applied.exec(name, "stat -c %g /data")).trim(), "1883");
  const claim = (await applied.get("persistentvolumeclaims/mosquitto-data"))!;
  assert.equal(claim["status"].phase, "Bound");
  const volume = claim["spec"].volumeName;
  await applied.kubectl("delete", "deployment", "mosquitto");
  await applied.kubectl("delete", "pvc", "mosquitto-data", "--timeout=60s");
  await eventually(
    "its volume goes, too",
    async () => await applied.cluster.get(`/api/v1/persistentvolumes/${volume}`) === undefined,
  );
}

async function staticVolume(applied: Manifest): Promise<void> {
  await applied.pod("task-pv-pod", isOver);
  const file = `${applied.cluster.hostFolder}/static-volume/file`;
  assert.equal(await Deno.readTextFile(file), "kept\n");
  await applied.kubectl("delete", "pod", "task-pv-pod", "--now");
  await applied.kubectl("delete", "pvc", "task-pv-claim", "--timeout=60s");
  const path = "/api/v1/persistentvolumes/manifest-static-volume";
  await eventually(
    "the volume is released",
    async () =>
      (await applied.cluster.get<{ status: { phase: string } }>(path))!.status.phase === "Released",
  );
  assert.equal(await Deno.readTextFile(file), "kept\n");
  await applied.cluster.kubectl("delete", "pv", "manifest-static-volume");
}

async function ephemeralClaim(applied: Manifest): Promise<void> {
  await applied.pod("scratch");
  const claim = (await applied.get("persistentvolumeclaims/scratch-scratch"))!;
  assert.equal(claim["status"].phase, "Bound");
  await applied.kubectl("delete", "pod", "scratch", "--now");
  await eventually(
    "the claim goes with the pod",
    async () => (await applied.list("persistentvolumeclaims")).length === 0,
  );
}

async function memoryDisk(applied: Manifest): Promise<void> {
  assert.equal(await applied.said("cache"), "fits\nfull\n");
}

async function subPathExpr(applied: Manifest): Promise<void> {
  await applied.pod("logger-1", isOver);
  const file = `${applied.cluster.hostFolder}/sub-path-expr/logger-1/app.log`;
  assert.equal(await Deno.readTextFile(file), "logged\n");
}
