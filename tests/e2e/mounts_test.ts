import assert from "node:assert/strict";
import { programPath } from "../../core/lib/linux/program.ts";
import { eventually } from "../eventually.ts";
import { IMAGE, isOver, type PodmanCluster, podOf, testOnPodman } from "./podman_cluster.ts";

testOnPodman({
  name: "mounts of containers on Podman",
  subnet: 122,
  stepsAtOnce: 2,
  steps: [
    { name: "the files of an image are a volume that nobody can write to", run: images },
    { name: "a read-only mount is so all the way down, when it is asked for", run: readOnlyBelow },
    { name: "a pod that keeps more on the disk than it may is evicted", run: limits },
    { name: "mounts that are made later are seen as it is asked for", run: propagation },
  ],
});

/** A pod of one container that mounts `/v`. */
function podWith(name: string, script: string, mount: object, volume: object, more = {}): object {
  return podOf(name, {
    script,
    container: { volumeMounts: [{ name: "v", mountPath: "/v", ...mount }], ...more },
    spec: { restartPolicy: "Never", volumes: [{ name: "v", ...volume }] },
  });
}

async function endOf(cluster: PodmanCluster, name: string): Promise<string> {
  await cluster.podWhen(name, ({ status }) => status.phase === "Succeeded");
  return await cluster.logs(name);
}

async function images(cluster: PodmanCluster): Promise<void> {
  const image = { reference: IMAGE, pullPolicy: "Never" };
  await cluster.apply(
    podWith("image", "/v/bin/busybox echo runs; touch /v/x 2>/dev/null || echo read-only", {}, {
      image,
    }),
    podWith("no-image", "true", {}, { image: { ...image, reference: "localhost/none:1" } }),
  );
  assert.equal(await endOf(cluster, "image"), "runs\nread-only\n");
  const waiting = await cluster.podWhen(
    "no-image",
    ({ status }) => status.containerStatuses?.[0]?.state.waiting?.reason === "ErrImageNeverPull",
  );
  assert.ok(waiting);
}

async function limits(cluster: PodmanCluster): Promise<void> {
  const fill = (path: string) =>
    `dd if=/dev/zero of=${path} bs=1024k count=3 2>/dev/null; exec sleep 600`;
  const resources = { limits: { "ephemeral-storage": "1Mi" } };
  await cluster.apply(
    podWith("full", fill("/v/file"), {}, { emptyDir: { sizeLimit: "2Mi" } }),
    podWith("fits", fill("/v/file"), {}, { emptyDir: { sizeLimit: "4Mi" } }),
    podWith("layer", fill("/file"), {}, { emptyDir: {} }, { resources }),
  );
  const words = {
    full: 'Usage of EmptyDir volume "v" exceeds the limit "2Mi". ',
    layer: "Pod ephemeral local storage usage exceeds the total limit of containers 1Mi. ",
  };
  for (const [name, message] of Object.entries(words)) {
    const { status } = await cluster.podWhen(name, isOver);
    assert.deepEqual([status.phase, status.reason, status.message], ["Failed", "Evicted", message]);
  }
  assert.equal((await cluster.pod("fits"))!.status.phase, "Running");
  await cluster.delete("pod", "full", "fits", "layer");
}

async function readOnlyBelow(cluster: PodmanCluster): Promise<void> {
  const outer = `${cluster.hostFolder}/outer`;
  await Deno.mkdir(`${outer}/inner`, { recursive: true });
  await mount("-t", "tmpfs", "tmpfs", `${outer}/inner`);
  try {
    const script =
      "cd /v; touch x 2>/dev/null || echo outer; touch inner/x 2>/dev/null || echo inner";
    const volume = { hostPath: { path: outer, type: "Directory" } };
    const pod = (name: string, mode: string) =>
      podWith(name, script, { readOnly: true, recursiveReadOnly: mode }, volume);
    await cluster.apply(
      pod("only-outer", "Disabled"),
      pod("both", "Enabled"),
      pod("if-possible", "IfPossible"),
    );
    assert.equal(await endOf(cluster, "only-outer"), "outer\n");
    assert.equal(await endOf(cluster, "both"), "outer\ninner\n");
    assert.equal(await endOf(cluster, "if-possible"), "outer\ninner\n");
    await Deno.writeTextFile(`${outer}/inner/y`, ""); // the node's own mount is as it was
    await cluster.delete("pod", "only-outer", "both", "if-possible");
  } finally {
    await unmount(`${outer}/inner`);
  }
}

async function propagation(cluster: PodmanCluster): Promise<void> {
  const folder = `${cluster.hostFolder}/shared-mounts`;
  for (const name of ["later", "from-pod"]) {
    await Deno.mkdir(`${folder}/${name}`, { recursive: true });
  }
  await mount("--bind", folder, folder);
  await mount("--make-shared", folder);
  try {
    const volume = { hostPath: { path: folder, type: "Directory" } };
    const script =
      "while ! [ -e /v/stop ]; do ls /v/later > /v/seen-$0.new; mv /v/seen-$0.new /v/seen-$0; sleep 0.1; done";
    const watcher = (name: string, mountPropagation: string) =>
      podWith(name, "", { mountPropagation }, volume, { command: ["sh", "-c", script, name] });
    const mounter = podWith(
      "mounter",
      "mount -t tmpfs tmpfs /v/from-pod && touch /v/from-pod/file; while ! [ -e /v/stop ]; do sleep 0.1; done",
      { mountPropagation: "Bidirectional" },
      volume,
      { securityContext: { privileged: true } },
    );
    await cluster.apply(watcher("none", "None"), watcher("slave", "HostToContainer"), mounter);
    const seen = (name: string) =>
      Deno.readTextFile(`${folder}/seen-${name}`).catch(() => undefined);
    for (const name of ["none", "slave"]) {
      await eventually(`${name} looks`, async () => await seen(name) === "");
    }
    await mount("-t", "tmpfs", "tmpfs", `${folder}/later`);
    await Deno.writeTextFile(`${folder}/later/file`, "");
    await eventually("the mount is seen in one", async () => await seen("slave") === "file\n");
    assert.equal(await seen("none"), "");
    await eventually(
      "what a pod has mounted is seen here",
      () => Deno.lstat(`${folder}/from-pod/file`).then(() => true, () => false),
    );
    await Deno.writeTextFile(`${folder}/stop`, "");
    await cluster.delete("pod", "none", "slave", "mounter");
  } finally {
    for (const path of [`${folder}/from-pod`, `${folder}/later`, folder]) await unmount(path);
  }
}

async function mount(...args: string[]): Promise<void> {
  const { success } = await new Deno.Command(programPath("mount")!, { args }).output();
  assert.ok(success, `mount ${args.join(" ")}`);
}

async function unmount(path: string): Promise<void> {
  await new Deno.Command(programPath("umount")!, { args: ["-l", path], stderr: "null" }).output();
}
