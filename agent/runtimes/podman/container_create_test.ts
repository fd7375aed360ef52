import assert from "node:assert/strict";
import type { ContainerSpec } from "../container_runtime.ts";
import { containerName, createBody } from "./container_create.ts";
import { sandboxBody } from "./pod_sandboxes.ts";

const spec: ContainerSpec = {
  podUid: "u1",
  podName: "web-1",
  podNamespace: "shop",
  name: "web",
  restartCount: 2,
  image: "nginx:1",
  env: {},
  mounts: [],
  hostname: "web-1",
  logPath: "/logs/2.log",
  network: { namespacePath: "/run/netns/x" },
  podIP: "10.42.0.7",
  limits: {},
  requests: {},
  security: {},
  tty: false,
  stdin: false,
};
const ours = { owner: "node-1", image: "docker.io/library/nginx:1", logBytesMax: 1_000 };

Deno.test("a container has a derived name, its pod's labels, network and log", () => {
  assert.equal(containerName(spec), "k8s_web_u1_2");
  assert.deepEqual(createBody(spec, ours), {
    name: "k8s_web_u1_2",
    image: "docker.io/library/nginx:1",
    env: {},
    cap_drop: ["CAP_AUDIT_WRITE", "CAP_MKNOD", "CAP_NET_RAW", "CAP_SETFCAP", "CAP_SYS_CHROOT"],
    labels: {
      "coracle.dev/owner": "node-1",
      "coracle.dev/image": "nginx:1",
      "coracle.dev/restart-count": "2",
      "io.kubernetes.pod.uid": "u1",
      "io.kubernetes.pod.name": "web-1",
      "io.kubernetes.pod.namespace": "shop",
      "io.kubernetes.container.name": "web",
    },
    mounts: [],
    resource_limits: { cpu: { shares: 2 } },
    netns: { nsmode: "path", value: "/run/netns/x" },
    hostname: "web-1",
    hostadd: ["web-1:10.42.0.7"],
    sysctl: { "net.ipv4.ping_group_range": "0 2147483647" },
    terminal: false,
    stdin: false,
    restart_policy: "no",
    systemd: "false",
    log_configuration: { driver: "k8s-file", path: "/logs/2.log", size: 1_000 },
  });
});

Deno.test("capacity is the kubelet's: shares of the request or else the limit, quota of the limit", () => {
  const limitsOf = (limits: ContainerSpec["limits"], requests: ContainerSpec["requests"]) =>
    createBody({ ...spec, limits, requests }, ours).resource_limits;
  assert.deepEqual(limitsOf({ cpuMillis: 500, memoryBytes: 1 << 20 }, {}), {
    cpu: { shares: 512, quota: 50_000, period: 100_000 },
    memory: { limit: 1 << 20 },
  });
  assert.deepEqual(limitsOf({ cpuMillis: 5 }, { cpuMillis: 1 }), {
    cpu: { shares: 2, quota: 1_000, period: 100_000 },
  });
});

Deno.test("user, group and capabilities are written as Podman wants them", () => {
  const userOf = (security: ContainerSpec["security"]) =>
    createBody({ ...spec, security }, ours).user;
  assert.equal(userOf({ runAsUser: 1, runAsGroup: 2 }), "1:2");
  assert.equal(userOf({ runAsUser: 0 }), "0");
  assert.equal(userOf({ runAsGroup: 2 }), ":2");
});

Deno.test("capabilities are cut down from Podman's, and only those asked for are added", () => {
  const capabilitiesOf = (security: ContainerSpec["security"]) => {
    const { cap_add: add, cap_drop: drop } = createBody({ ...spec, security }, ours);
    return { add, drop };
  };
  const surplus = ["CAP_AUDIT_WRITE", "CAP_MKNOD", "CAP_SETFCAP", "CAP_SYS_CHROOT"];
  assert.deepEqual(
    capabilitiesOf({ capabilitiesAdd: ["NET_RAW", "CAP_SYS_TIME"], capabilitiesDrop: ["KILL"] }),
    { add: ["CAP_NET_RAW", "CAP_SYS_TIME"], drop: [...surplus, "CAP_KILL"] },
  );
  assert.deepEqual(
    capabilitiesOf({ capabilitiesAdd: ["NET_ADMIN"], capabilitiesDrop: ["ALL"] }),
    { add: ["CAP_NET_ADMIN"], drop: ["ALL"] },
  );
  assert.deepEqual(
    capabilitiesOf({ capabilitiesAdd: ["ALL"], capabilitiesDrop: ["SYS_ADMIN"] }),
    { add: ["ALL"], drop: ["CAP_SYS_ADMIN"] },
  );
  const nothing = { add: undefined, drop: undefined };
  assert.deepEqual(capabilitiesOf({ privileged: true, capabilitiesDrop: ["ALL"] }), nothing);
});

Deno.test("a working folder that the image lacks is made", () => {
  const { work_dir: folder, create_working_dir: isMade } = createBody(
    { ...spec, workingDir: "/made/up" },
    ours,
  );
  assert.deepEqual([folder, isMade], ["/made/up", true]);
});

Deno.test("what keeps a container from the node, and what does not, is written as Podman wants it", () => {
  const body = (security: ContainerSpec["security"]) => createBody({ ...spec, security }, ours);
  const open = body({
    seccomp: "Unconfined",
    appArmor: "Unconfined",
    hostPid: true,
    hostIpc: true,
    supplementalGroups: [7, 8],
    sysctls: { "net.ipv4.tcp_syncookies": "1" },
  });
  assert.equal(open.seccomp_profile_path, "unconfined");
  assert.equal(open.apparmor_profile, "unconfined");
  assert.deepEqual([open.pidns, open.ipcns], [{ nsmode: "host" }, { nsmode: "host" }]);
  assert.deepEqual(open.groups, ["7", "8"]);
  assert.equal((open.sysctl as Record<string, string>)["net.ipv4.tcp_syncookies"], "1");
  const profiles = body({
    seccomp: { file: "/data/seccomp/tight.json" },
    appArmor: { profile: "tight" },
  });
  assert.equal(profiles.seccomp_profile_path, "/data/seccomp/tight.json");
  assert.equal(profiles.apparmor_profile, "tight");
  // Podman's own filter is what Kubernetes calls the default of the runtime.
  assert.deepEqual(body({ seccomp: "RuntimeDefault", appArmor: "RuntimeDefault" }), body({}));
});

Deno.test("containers that share join what their pod has, but not in the place of what they ask for", () => {
  const shared = { pid: 7, sharedMemory: "/sandbox/shm" };
  const of = (more: Partial<ContainerSpec>) => {
    const { pidns, ipcns, mounts } = createBody({ ...spec, ...more }, { ...ours, shared });
    return { pidns, ipcns, sources: (mounts as { source: string }[]).map(({ source }) => source) };
  };
  const join = (kind: string) => ({ nsmode: "path", value: `/proc/7/ns/${kind}` });
  const [pidns, ipcns] = [join("pid"), join("ipc")];
  assert.deepEqual(of({}), { pidns, ipcns, sources: ["/sandbox/shm"] });
  const hostIpc = of({ security: { hostIpc: true } });
  assert.deepEqual(hostIpc, { pidns, ipcns: { nsmode: "host" }, sources: [] });
  const volume = { hostPath: "/volume", containerPath: "/dev/shm", readOnly: false };
  assert.deepEqual(of({ mounts: [volume] }), { pidns, ipcns, sources: ["/volume"] });
});

Deno.test("the first process of a pod has no rights, and its pod's limits", () => {
  const body = sandboxBody({ ...spec, cgroupParent: "/pods/u1" }, {
    owner: "node-1",
    rootFolder: "/data/sandbox",
  });
  const { name, user, cap_drop, no_new_privileges, read_only_filesystem, netns, cgroup_parent } =
    body;
  assert.deepEqual(
    [name, user, cap_drop, no_new_privileges, read_only_filesystem, netns, cgroup_parent],
    ["k8s_POD_u1", "65535:65535", ["ALL"], true, true, { nsmode: "none" }, "/pods/u1"],
  );
  assert.ok(!Object.hasOwn(body["labels"] as object, "coracle.dev/owner"), "it is no container");
});

Deno.test("a label of SELinux, files of images and mounts that come later are written as Podman wants them", () => {
  const seLinux = { level: "s0:c1,c2", type: "container_t" };
  const body = createBody({
    ...spec,
    security: { seLinux },
    imageMounts: [{ image: "tools:1", containerPath: "/tools" }],
    devices: [{ id: "gpu", device: "/dev/gpu" }],
    volumeDevices: [
      { hostPath: "/dev/sda", containerPath: "/dev/a", readOnly: false },
      { hostPath: "/dev/sdb", containerPath: "/dev/b", readOnly: true },
    ],
    mounts: [
      { hostPath: "/a", containerPath: "/a", readOnly: true, propagation: "slave" },
      { hostPath: "/b", containerPath: "/b", readOnly: false, propagation: "shared" },
    ],
  }, ours);
  assert.deepEqual(body["selinux_opts"], ["type:container_t", "level:s0:c1,c2"]);
  assert.deepEqual(body["devices"], [
    { path: "/dev/gpu" },
    { path: "/dev/sda:/dev/a:rwm" },
    { path: "/dev/sdb:/dev/b:r" },
  ]);
  assert.deepEqual(body["image_volumes"], [
    { Source: "tools:1", Destination: "/tools", ReadWrite: false },
  ]);
  assert.deepEqual(
    (body["mounts"] as { options: string[] }[]).map(({ options }) => options),
    [["rbind", "ro", "rslave"], ["rbind", "rw", "rshared"]],
  );
});
