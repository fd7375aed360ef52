import assert from "node:assert/strict";
import { programPath } from "../../core/lib/linux/program.ts";
import { eventually } from "../eventually.ts";
import { isOver, mainStatus, type PodmanCluster, podOf, testOnPodman } from "./podman_cluster.ts";

testOnPodman({
  name: "volumes that are devices, on Podman",
  subnet: 123,
  steps: [{ name: "a container reads and writes the device of its claim", run: device }],
});

async function device(cluster: PodmanCluster): Promise<void> {
  await Deno.mkdir(cluster.hostFolder, { recursive: true });
  const file = `${cluster.hostFolder}/disk`;
  await Deno.writeTextFile(file, "on the disk");
  await Deno.truncate(file, 1024 * 1024);
  const path = await attach(file);
  if (path === undefined) return; // a machine without loop devices
  try {
    await use(cluster, path);
    assert.match(await Deno.readTextFile(file), /^by a pod/);
  } finally {
    await run("losetup", "-d", path);
  }
}

async function use(cluster: PodmanCluster, path: string): Promise<void> {
  const terms = [{
    matchExpressions: [{ key: "kubernetes.io/os", operator: "In", values: ["linux"] }],
  }];
  const block = { accessModes: ["ReadWriteOnce"], volumeMode: "Block", storageClassName: "" };
  await cluster.apply(
    {
      apiVersion: "v1",
      kind: "PersistentVolume",
      metadata: { name: "disk" },
      spec: {
        ...block,
        capacity: { storage: "1Mi" },
        local: { path },
        nodeAffinity: { required: { nodeSelectorTerms: terms } },
      },
    },
    {
      apiVersion: "v1",
      kind: "PersistentVolumeClaim",
      metadata: { name: "disk" },
      spec: { ...block, resources: { requests: { storage: "1Mi" } } },
    },
    podOf("user", {
      script: "head -c 11 /dev/xvda > /dev/termination-log; printf 'by a pod' > /dev/xvda; sync",
      container: { volumeDevices: [{ name: "disk", devicePath: "/dev/xvda" }] },
      spec: {
        restartPolicy: "Never",
        volumes: [{ name: "disk", persistentVolumeClaim: { claimName: "disk" } }],
      },
    }),
    podOf("mounter", {
      script: "true",
      container: { volumeMounts: [{ name: "disk", mountPath: "/disk" }] },
      spec: { volumes: [{ name: "disk", persistentVolumeClaim: { claimName: "disk" } }] },
    }),
  );
  const user = await cluster.podWhen("user", isOver);
  assert.equal(mainStatus(user).state.terminated?.message, "on the disk");
  await eventually(
    "a device is not mounted",
    async () =>
      (await cluster.events("mounter")).some(({ message }) =>
        message?.endsWith("volume disk has volumeMode Block, but is specified in volumeMounts")
      ),
  );
  await cluster.delete("pod", "user", "mounter");
  await cluster.delete("pvc", "disk");
  await cluster.delete("pv", "disk");
}

/** The loop device of a file; `undefined` where there are none. */
async function attach(file: string): Promise<string | undefined> {
  return (await run("losetup", "-f", "--show", file))?.trim() || undefined;
}

async function run(program: string, ...args: string[]): Promise<string | undefined> {
  const path = programPath(program);
  if (path === undefined) return undefined;
  const { success, stdout } = await new Deno.Command(path, { args, stderr: "null" }).output();
  return success ? new TextDecoder().decode(stdout) : undefined;
}
