import assert from "node:assert/strict";
import type { PersistentVolumeClaim } from "../../core/resources/core/persistent_volumes/persistent_volume_claims.ts";
import type { PersistentVolume } from "../../core/resources/core/persistent_volumes/persistent_volumes.ts";
import { eventually } from "../eventually.ts";
import { mainStatus, type PodmanCluster, podOf, testOnPodman } from "./podman_cluster.ts";

testOnPodman({
  name: "persistent volumes on Podman",
  subnet: 121,
  stepsAtOnce: 3,
  steps: [
    { name: "data outlives a pod, and goes with its claim", run: claimOfPods },
    { name: "a volume that is to be kept keeps its data", run: kept },
    { name: "a claim grows", run: growth },
    { name: "a volume of the pod alone goes with the pod", run: ephemeral },
    { name: "volumes of the user's own are bound, and their type is checked", run: ownVolumes },
    { name: "links in a volume lead nowhere, and its folder is removed with them", run: links },
    { name: "the group of a pod is the group of its claim's files", run: groups },
  ],
});

function claimOf(name: string, spec: object = {}): object {
  return {
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: { name },
    spec: {
      accessModes: ["ReadWriteOnce"],
      resources: { requests: { storage: "16Mi" } },
      ...spec,
    },
  };
}

/** A pod that mounts a claim at `/data`, runs a script and ends. */
function podWith(name: string, claimName: string, script: string, spec: object = {}): object {
  return podOf(name, {
    script,
    container: { volumeMounts: [{ name: "data", mountPath: "/data" }] },
    spec: {
      restartPolicy: "Never",
      volumes: [{ name: "data", persistentVolumeClaim: { claimName } }],
      ...spec,
    },
  });
}

async function endOf(cluster: PodmanCluster, name: string): Promise<string> {
  await cluster.podWhen(name, ({ status }) => status.phase === "Succeeded");
  return await cluster.logs(name);
}

function claim(cluster: PodmanCluster, name: string): Promise<PersistentVolumeClaim | undefined> {
  return cluster.get(`/api/v1/namespaces/default/persistentvolumeclaims/${name}`);
}

function volume(cluster: PodmanCluster, name: string): Promise<PersistentVolume | undefined> {
  return cluster.get(`/api/v1/persistentvolumes/${name}`);
}

function isThere(path: string): Promise<boolean> {
  return Deno.lstat(path).then(() => true, () => false);
}

async function claimOfPods(cluster: PodmanCluster): Promise<void> {
  assert.equal(await cluster.apply(claimOf("data")), "", "there is nothing to warn of");
  await eventually(
    "the claim waits for a pod, and says so",
    async () =>
      (await cluster.kubectl("describe", "pvc", "data")).includes(
        "waiting for first consumer to be created before binding",
      ),
  );
  await cluster.apply(podWith("writer", "data", "echo kept > /data/file; chmod 700 /data"));
  await endOf(cluster, "writer");
  const bound = (await claim(cluster, "data"))!;
  assert.equal(bound.status.phase, "Bound");
  assert.deepEqual(bound.status.capacity, { storage: "16Mi" });
  const name = bound.spec.volumeName!;
  const path = (await volume(cluster, name))!.spec.local!.path;
  assert.equal(await Deno.readTextFile(`${path}/file`), "kept\n");
  await cluster.delete("pod", "writer");
  await cluster.apply(podWith("reader", "data", "cat /data/file; stat -c %a /data"));
  assert.equal(await endOf(cluster, "reader"), "kept\n700\n");

  const described = await cluster.kubectl("describe", "pvc", "data");
  for (const reason of ["WaitForFirstConsumer", "Provisioning", "ProvisioningSucceeded"]) {
    assert.match(described, new RegExp(`Normal +${reason} `), described);
  }
  assert.match(described, /Used By: +reader\n/, described);
  assert.match(
    await cluster.kubectl("get", "pv", name),
    /Delete +Bound +default\/data +local-path/,
  );

  await cluster.kubectl("delete", "pvc", "data", "--wait=false");
  await eventually(
    "the claim is held by its pod",
    async () => (await cluster.kubectl("get", "pvc", "data")).includes("Terminating"),
  );
  assert.ok(await isThere(path));
  await cluster.delete("pod", "reader");
  await eventually("the folder has gone", async () => !await isThere(path));
  await eventually("the volume has gone", async () => await volume(cluster, name) === undefined);
}

async function kept(cluster: PodmanCluster): Promise<void> {
  await cluster.apply(
    {
      apiVersion: "storage.k8s.io/v1",
      kind: "StorageClass",
      metadata: { name: "keep" },
      provisioner: "coracle.dev/local-path",
      reclaimPolicy: "Retain",
    },
    claimOf("keep", { storageClassName: "keep" }),
  );
  const bound = await eventually("a volume without any pod", async () => {
    const found = await claim(cluster, "keep");
    return found?.status.phase === "Bound" ? found : undefined;
  });
  const name = bound.spec.volumeName!;
  await cluster.apply(podWith("keeper", "keep", "echo safe > /data/file"));
  await endOf(cluster, "keeper");
  await cluster.delete("pod", "keeper");
  await cluster.delete("pvc", "keep");
  await eventually(
    "the volume is released",
    async () => (await volume(cluster, name))?.status.phase === "Released",
  );
  const path = (await volume(cluster, name))!.spec.local!.path;
  await cluster.delete("pv", name);
  assert.equal(await Deno.readTextFile(`${path}/file`), "safe\n");
}

async function growth(cluster: PodmanCluster): Promise<void> {
  await cluster.apply(claimOf("growing"), podWith("grower", "growing", "exec sleep 600"));
  await cluster.readyPod("grower");
  await cluster.kubectl(
    ...["patch", "pvc", "growing", "-p"],
    JSON.stringify({ spec: { resources: { requests: { storage: "32Mi" } } } }),
  );
  const grown = await eventually("the new size", async () => {
    const found = await claim(cluster, "growing");
    return found?.status.capacity?.["storage"] === "32Mi" ? found : undefined;
  });
  assert.equal(grown.status.conditions, undefined);
  const { spec } = (await volume(cluster, grown.spec.volumeName!))!;
  assert.equal(spec.capacity?.["storage"], "32Mi");
  assert.match(await cluster.kubectl("describe", "pvc", "growing"), /VolumeResizeSuccessful/);
  await cluster.delete("pod", "grower");
  await cluster.delete("pvc", "growing");
}

async function ephemeral(cluster: PodmanCluster): Promise<void> {
  const { spec } = claimOf("x") as { spec: object };
  const volumeClaimTemplate = { metadata: { labels: { kind: "scratch" } }, spec };
  await cluster.apply(podWith("lonely", "", "echo x > /data/file; exec sleep 600", {
    volumes: [{ name: "data", ephemeral: { volumeClaimTemplate } }],
  }));
  await cluster.readyPod("lonely");
  const bound = (await claim(cluster, "lonely-data"))!;
  assert.equal(bound.metadata.labels?.["kind"], "scratch");
  const path = (await volume(cluster, bound.spec.volumeName!))!.spec.local!.path;
  assert.equal(await Deno.readTextFile(`${path}/file`), "x\n");
  await cluster.delete("pod", "lonely");
  await eventually(
    "claim and folder have gone",
    async () => await claim(cluster, "lonely-data") === undefined && !await isThere(path),
  );
}

async function ownVolumes(cluster: PodmanCluster): Promise<void> {
  const folder = `${cluster.hostFolder}/own`;
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeTextFile(`${folder}/file`, "mine");
  const source = { hostPath: { path: folder, type: "Directory" } };
  const volumeOf = (name: string, more: object) => ({
    apiVersion: "v1",
    kind: "PersistentVolume",
    metadata: { name, labels: { name } },
    spec: {
      capacity: { storage: "1Gi" },
      accessModes: ["ReadWriteOnce"],
      storageClassName: "",
      ...more,
    },
  });
  const of = (name: string) => ({ storageClassName: "", selector: { matchLabels: { name } } });
  await cluster.apply(
    volumeOf("own", source),
    volumeOf("absent", { hostPath: { path: `${folder}/absent`, type: "Directory" } }),
    claimOf("own", of("own")),
    claimOf("absent", of("absent")),
    podWith("owner", "own", "cat /data/file; touch /data/x 2>&1 || true", {
      volumes: [{ name: "data", persistentVolumeClaim: { claimName: "own", readOnly: true } }],
    }),
    podWith("waiter", "absent", "true"),
  );
  const words = await endOf(cluster, "owner");
  assert.match(words, /^mine.*Read-only file system/s);
  assert.equal((await claim(cluster, "own"))!.spec.volumeName, "own");
  await eventually(
    "an event about the folder that is not there",
    async () =>
      (await cluster.events("waiter")).some(({ reason, message }) =>
        reason === "FailedMount" &&
        message === 'MountVolume.SetUp failed for volume "absent" : hostPath type check failed: ' +
            `${folder}/absent is not a directory`
      ),
  );
  assert.equal((await cluster.pod("waiter"))!.status.phase, "Pending");
  await cluster.delete("pod", "owner", "waiter");
  await cluster.delete("pvc", "own", "absent");
  await cluster.delete("pv", "own", "absent");
  assert.equal(await Deno.readTextFile(`${folder}/file`), "mine");
}

async function links(cluster: PodmanCluster): Promise<void> {
  const outside = `${cluster.hostFolder}/outside`;
  await Deno.mkdir(outside, { recursive: true });
  await Deno.writeTextFile(`${outside}/file`, "not yours");
  const script = [
    `ln -s ${outside} /data/away`,
    "ln -s ../../.. /data/up",
    "ln -s / /data/root",
    "mkdir /data/sub",
    "echo inside > /data/sub/file",
  ].join("; ");
  await cluster.apply(claimOf("links"), podWith("linker", "links", script));
  await endOf(cluster, "linker");
  await cluster.delete("pod", "linker");
  const at = (name: string, subPath: string) =>
    podWith(name, "links", "cat /data/file", {
      containers: [{
        name: "main",
        image: "localhost/e2e:1",
        imagePullPolicy: "Never",
        command: ["cat", "/data/file"],
        volumeMounts: [{ name: "data", mountPath: "/data", subPath }],
      }],
    });
  await cluster.apply(
    at("inside", "sub"),
    at("away", "away"),
    at("up", "up"),
    at("root", "root/tmp"),
  );
  assert.equal(await endOf(cluster, "inside"), "inside\n");
  for (const name of ["away", "up", "root"]) {
    const pod = await cluster.podWhen(name, (it) => mainStatus(it).state.waiting?.message);
    const { waiting } = mainStatus(pod).state;
    assert.equal(waiting?.reason, "CreateContainerConfigError", name);
    assert.match(waiting!.message!, /failed to prepare subPath for volumeMount "data"/, name);
  }
  const path = (await volume(cluster, (await claim(cluster, "links"))!.spec.volumeName!))!.spec
    .local!.path;
  await cluster.delete("pod", "inside", "away", "up", "root");
  await cluster.delete("pvc", "links");
  await eventually("the folder has gone", async () => !await isThere(path));
  assert.equal(await Deno.readTextFile(`${outside}/file`), "not yours");
}

async function groups(cluster: PodmanCluster): Promise<void> {
  await cluster.apply(claimOf("groups"));
  const first = podWith(
    "first",
    "groups",
    "mkdir /data/a; echo x > /data/a/b; chmod 600 /data/a/b",
  );
  await cluster.apply(first);
  await endOf(cluster, "first");
  await cluster.apply(
    podWith("second", "groups", "id -G; cat /data/a/b; stat -c '%g %a' /data/a /data/a/b", {
      securityContext: { runAsUser: 1000, runAsGroup: 1000, fsGroup: 2000 },
    }),
  );
  assert.equal(await endOf(cluster, "second"), "1000 2000\nx\n2000 2775\n2000 660\n");
  await cluster.delete("pod", "first", "second");
  await cluster.delete("pvc", "groups");
}
