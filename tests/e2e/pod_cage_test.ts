import assert from "node:assert/strict";
import { eventually } from "../eventually.ts";
import {
  IMAGE,
  isOver,
  mainStatus,
  type PodmanCluster,
  podOf,
  testOnPodman,
} from "./podman_cluster.ts";

testOnPodman({
  name: "a pod on Podman stays in its cage",
  subnet: 119,
  stepsAtOnce: 3,
  steps: [
    { name: "a subPath that its pod swaps for a link shows nothing of the host", run: subPathRace },
    { name: "a hostPath to what is the agent's is refused, and says why", run: hostPaths },
    { name: "a pod that sees the whole disk sees nothing of the agent's", run: wholeDisk },
    { name: "without asking, a pod can forge no packets and make no devices", run: capabilities },
    { name: "a pod finds in its environment what it was given, and no more", run: environment },
    {
      name: "a pod that is not root uses what it is given, though the server's umask is closed",
      run: user,
    },
    { name: "a working folder that the image lacks is made", run: workingFolder },
    { name: "a program that is not there is the cause that is shown", run: startError },
    { name: "a pod with init containers does not start without them", run: initContainers },
  ],
});

/** Attack: two containers share a volume; one swaps a folder for a link while the others are started on it. */
async function subPathRace(cluster: PodmanCluster): Promise<void> {
  const secret = await Deno.makeTempDir({ prefix: "coracle-e2e-secret-" });
  await Deno.writeTextFile(`${secret}/flag`, "secret");
  const volume = { name: "v", mountPath: "/v" };
  const swapper = {
    name: "swapper",
    image: IMAGE,
    imagePullPolicy: "Never",
    volumeMounts: [volume],
    command: ["sh", "-c", SWAP.replace("SECRET", secret)],
  };
  const victims = Array.from({ length: 16 }, (_, i) => ({
    name: `victim-${i}`,
    image: IMAGE,
    imagePullPolicy: "Never",
    volumeMounts: [{ name: "v", mountPath: "/m", subPath: "x" }],
    command: ["sh", "-c", "cat /m/flag > /dev/termination-log 2>/dev/null; touch /m/by-pod"],
  }));
  await cluster.apply(podOf("race", {
    script: "",
    spec: {
      restartPolicy: "Never",
      containers: [swapper, ...victims],
      volumes: [{ name: "v", emptyDir: {} }],
    },
  }));
  const isDecided = (state: { terminated?: object; waiting?: { reason?: string } }) =>
    state.terminated || ![undefined, "ContainerCreating"].includes(state.waiting?.reason);
  const { status } = await cluster.podWhen(
    "race",
    ({ status: { containerStatuses } }) =>
      containerStatuses?.filter(({ state }) => isDecided(state)).length === victims.length,
  );
  const seen = status.containerStatuses!.map(({ state }) => state.terminated?.message ?? "");
  assert.deepEqual(seen.filter((text) => text !== ""), [], "a container has read the host's file");
  const names = (await Array.fromAsync(Deno.readDir(secret))).map(({ name }) => name);
  assert.deepEqual(names, ["flag"], "a container has written to the host's folder");
  await cluster.delete("pod", "race");
  await Deno.remove(secret, { recursive: true });
}

/** `/v/x` alternates between a folder and a link to the host, each for some milliseconds. */
const SWAP = `mkdir /v/x; ln -s SECRET /v/l
to() { mv -T $1 /v/x || { rmdir /v/x; mv -T $1 /v/x; }; busybox usleep 7000; mv -T /v/x $1; }
while :; do mv -T /v/x /v/k; to /v/l; to /v/k; mv -T /v/k /v/x; done 2>/dev/null`;

async function hostPaths(cluster: PodmanCluster): Promise<void> {
  const socket = cluster.podman.socketPath;
  const paths = [cluster.dataFolder, `${cluster.dataFolder}/admin.token`, socket, "/", "/tmp/"];
  const uncovering: Record<string, object> = {
    "/": { privileged: true },
    "/tmp/": { capabilities: { add: ["SYS_ADMIN"] } },
  };
  await cluster.apply(...paths.map((path, i) =>
    podOf(`host-${i}`, {
      script: "ls /h",
      container: {
        volumeMounts: [{ name: "h", mountPath: "/h" }],
        ...(uncovering[path] && { securityContext: uncovering[path] }),
      },
      spec: { volumes: [{ name: "h", hostPath: { path } }] },
    })
  ));
  for (const [i, path] of paths.entries()) {
    const event = await eventually(
      `the refusal of ${path}`,
      async () =>
        (await cluster.events(`host-${i}`)).find(({ reason }) => reason === "FailedMount"),
    );
    assert.match(
      event.message ?? "",
      /volume "h" : hostPath refused: .* only this node's agent may/,
    );
    const [status] = (await cluster.pod(`host-${i}`))!.status.containerStatuses ?? [];
    assert.equal(status?.state.waiting?.reason, "ContainerCreating");
  }
  await cluster.delete("pod", ...paths.map((_, i) => `host-${i}`));
}

/** Attack: root without more rights, with all of the disk and all processes of the node, looks for the admin's token. */
async function wholeDisk(cluster: PodmanCluster): Promise<void> {
  const { dataFolder, podman: { socketPath } } = cluster;
  const runFolder = socketPath.slice(0, socketPath.lastIndexOf("/"));
  const script = `look() { ls -A "$1" 2> /dev/null | head -n 3; cat "$1"/admin.token 2> /dev/null; }
for f in ${dataFolder} ${runFolder}; do
  test -d /h$f || echo "no $f"
  look /h$f
  busybox umount /h$f 2> /dev/null && echo unmounted && look /h$f
  busybox mount -o remount,rw /h$f 2> /dev/null && echo remounted
  mv /h$f /h$f.moved 2> /dev/null && echo moved && look /h$f.moved
  mkdir /h/tmp/ci-aside-$HOSTNAME && mv /h/tmp/ci-aside-$HOSTNAME /h$f 2> /dev/null && echo replaced
  rmdir /h/tmp/ci-aside-$HOSTNAME
  busybox unshare -m -r -U sh -c "umount -l /h$f && ls -A /h$f" 2> /dev/null
  for p in /h/proc/[0-9]* /proc/[0-9]*; do look $p/root$f; look $p/cwd$f; done
done
busybox chroot /h ls -A ${dataFolder} 2> /dev/null
test -s /h/etc/passwd && echo "sees the disk"
touch /h/tmp/ci-by-pod && rm /h/tmp/ci-by-pod && echo "writes to it"`;
  const draft = (capabilities: object) => ({
    script,
    container: {
      volumeMounts: [{ name: "h", mountPath: "/h" }],
      securityContext: { capabilities },
    },
    spec: {
      restartPolicy: "Never",
      hostPID: true,
      volumes: [{ name: "h", hostPath: { path: "/" } }],
    },
  });
  const names = ["disk", "disk-chroot"];
  await cluster.apply(
    podOf(names[0]!, draft({})),
    podOf(names[1]!, draft({ add: ["SYS_CHROOT", "NET_ADMIN"] })),
  );
  for (const name of names) {
    await cluster.podWhen(name, isOver);
    assert.equal(await cluster.logs(name), "sees the disk\nwrites to it\n", name);
    await cluster.delete("pod", name);
  }
}

async function capabilities(cluster: PodmanCluster): Promise<void> {
  const pod = (name: string, securityContext: object) =>
    podOf(name, {
      script:
        "grep CapEff /proc/self/status; busybox mknod /x c 1 3 2>/dev/null || echo refused; " +
        "cat /proc/sys/net/ipv4/ping_*",
      container: { securityContext },
      spec: { restartPolicy: "Never" },
    });
  await cluster.apply(
    pod("caps", {}),
    pod("caps-asked", { capabilities: { add: ["NET_RAW"], drop: ["KILL"] } }),
    pod("caps-none", { capabilities: { drop: ["ALL"] } }),
    pod("caps-user", { runAsUser: 1000 }),
  );
  const shown = async (name: string) => {
    await cluster.podWhen(name, isOver);
    return (await cluster.logs(name)).split("\n");
  };
  const [mask, device, ping] = await shown("caps");
  assert.equal(mask, "CapEff:\t00000000000005fb");
  assert.equal(device, "refused");
  assert.equal(ping, "0\t2147483647", "nobody may ping");
  assert.equal((await shown("caps-asked"))[0], "CapEff:\t00000000000025db");
  assert.equal((await shown("caps-none"))[0], "CapEff:\t0000000000000000");
  assert.equal((await shown("caps-user"))[0], "CapEff:\t0000000000000000");
}

async function environment(cluster: PodmanCluster): Promise<void> {
  await cluster.apply(
    podOf("own-variables", { script: "env; umask", spec: { restartPolicy: "Never" } }),
  );
  await cluster.podWhen("own-variables", isOver);
  const lines = (await cluster.logs("own-variables")).trim().split("\n");
  assert.equal(lines.at(-1), "0022");
  const names = lines.slice(0, -1).map((line) => line.split("=")[0]!)
    .filter((name) => !name.startsWith("KUBERNETES_"));
  const usual = ["HOME", "HOSTNAME", "PATH", "PWD", "SHLVL", "TERM", "container"];
  assert.deepEqual(names.toSorted(), usual);
}

async function user(cluster: PodmanCluster): Promise<void> {
  const path = `${cluster.hostFolder}/user/made`;
  const mounts = ["config", "disk", "memory", "host"].map((name) => ({
    name,
    mountPath: `/m/${name}`,
  }));
  await cluster.apply(
    {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "for-user" },
      data: { key: "value" },
    },
    podOf("for-user", {
      script: "set -e; id -u; grep -c localhost /etc/hosts; cat /m/config/deep/key; echo; " +
        "for d in /m/disk /m/memory /m/disk/sub; do echo x > $d/file; done; ls -d /m/host; " +
        "stat -c %a /m/disk/file; echo bye > /dev/termination-log",
      container: {
        securityContext: { runAsUser: 1000, runAsGroup: 1000 },
        volumeMounts: [...mounts, { name: "disk", mountPath: "/m/disk/sub", subPath: "part" }],
      },
      spec: {
        restartPolicy: "Never",
        volumes: [
          {
            name: "config",
            configMap: { name: "for-user", items: [{ key: "key", path: "deep/key" }] },
          },
          { name: "disk", emptyDir: {} },
          { name: "memory", emptyDir: { medium: "Memory" } },
          { name: "host", hostPath: { path, type: "DirectoryOrCreate" } },
        ],
      },
    }),
  );
  const pod = await cluster.podWhen("for-user", isOver);
  const logs = await cluster.logs("for-user");
  assert.equal(logs, "1000\n2\nvalue\n/m/host\n644\n");
  assert.equal(mainStatus(pod).state.terminated?.message, "bye\n");
  assert.equal((await Deno.stat(path)).mode! & 0o777, 0o755);
}

async function workingFolder(cluster: PodmanCluster): Promise<void> {
  await cluster.apply(podOf("working-folder", {
    script: "pwd",
    container: { workingDir: "/made/up" },
    spec: { restartPolicy: "Never" },
  }));
  await cluster.podWhen("working-folder", isOver);
  assert.equal(await cluster.logs("working-folder"), "/made/up\n");
}

async function startError(cluster: PodmanCluster): Promise<void> {
  await cluster.apply(podOf("start-error", {
    script: "",
    container: { command: ["nosuchprogram"] },
    spec: { restartPolicy: "Never" },
  }));
  const pod = await cluster.podWhen("start-error", isOver);
  assert.equal(pod.status.phase, "Failed");
  const { terminated } = mainStatus(pod).state;
  assert.deepEqual([terminated?.reason, terminated?.exitCode], ["StartError", 128]);
  assert.match(terminated?.message ?? "", /nosuchprogram/);
}

async function initContainers(cluster: PodmanCluster): Promise<void> {
  const first = { name: "first", image: IMAGE, imagePullPolicy: "Never", command: ["false"] };
  await cluster.apply(podOf("with-init", {
    script: "sleep 600",
    spec: { restartPolicy: "Never", initContainers: [first] },
  }));
  const { status } = await cluster.podWhen("with-init", isOver);
  assert.equal(status.phase, "Failed");
  assert.equal(status.initContainerStatuses?.[0]?.state.terminated?.exitCode, 1);
  const [main] = status.containerStatuses ?? [];
  assert.deepEqual([main?.containerID, main?.restartCount], [undefined, 0]);
  await cluster.delete("pod", "with-init");
}
