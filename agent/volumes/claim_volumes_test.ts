import assert from "node:assert/strict";
import { TestCluster } from "../../core/controllers/test_cluster.ts";
import { FileTree } from "../../core/lib/linux/file_tree.ts";
import { nodes } from "../../core/resources/core/nodes/nodes.ts";
import { persistentVolumeClaims } from "../../core/resources/core/persistent_volumes/persistent_volume_claims.ts";
import { persistentVolumes } from "../../core/resources/core/persistent_volumes/persistent_volumes.ts";
import { type Pod, pods } from "../../core/resources/core/pods/pods.ts";
import { removeVolumeFolder } from "./local_path_folders.ts";
import { VOLUME_TYPES } from "./types/mod.ts";
import { Volumes } from "./volumes.ts";

/** The node `n`, its folder, and an API. */
class World implements AsyncDisposable {
  readonly cluster = new TestCluster();
  readonly volumes: Volumes;

  private constructor(readonly folder: string, openTree?: () => undefined) {
    this.volumes = new Volumes({
      dataFolder: `${folder}/data`,
      nodeName: "n",
      view: this.cluster,
      clock: { now: () => 0 },
      types: VOLUME_TYPES,
      ...(openTree && { openTree }),
    });
    const labels = { "kubernetes.io/hostname": "n" };
    this.cluster.put(nodes, { metadata: { name: "n", labels } });
  }

  static async open(openTree?: () => undefined): Promise<World> {
    return new World(await Deno.realPath(await Deno.makeTempDir()), openTree);
  }

  /** A claim and its volume. */
  bound(name: string, spec: object, { annotations = {}, claim = {}, status = {} } = {}): void {
    const { metadata } = this.cluster.put(persistentVolumeClaims, {
      metadata: { name },
      spec: { volumeName: name, ...claim },
      status: { phase: "Bound", ...status },
    });
    const claimRef = { namespace: "default", name, uid: metadata.uid };
    this.cluster.put(persistentVolumes, {
      metadata: { name, annotations },
      spec: { claimRef, ...spec },
    });
  }

  /** The same as the provisioner makes it. */
  provisioned(name: string, node = "n"): void {
    this.bound(name, { local: { path: this.pathOf(name) } }, {
      annotations: {
        "pv.kubernetes.io/provisioned-by": "coracle.dev/local-path",
        "coracle.dev/local-path-node": node,
      },
    });
  }

  pathOf(volume: string): string {
    return `${this.folder}/data/volumes/${volume}`;
  }

  pod(claimName: string, { name = "p", mount = {}, source = {}, spec = {} } = {}): Pod {
    return this.cluster.put(pods, {
      metadata: { name },
      spec: {
        containers: [{
          name: "a",
          image: "a",
          volumeMounts: [{ name: "v", mountPath: "/v", ...mount }],
        }],
        volumes: [{ name: "v", persistentVolumeClaim: { claimName, ...source } }],
        ...spec,
      },
    });
  }

  async mountOf(pod: Pod) {
    await this.volumes.make(pod);
    const [mount] = await this.volumes.mountsOf(pod, pod.spec.containers[0]!, {});
    return mount!;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const uids = this.cluster.list(pods).map(({ metadata }) => metadata.uid);
    for (const uid of uids) {
      await this.volumes.releaseMounts(uid, "a");
      await this.volumes.remove(uid);
    }
    this.volumes[Symbol.dispose]();
    await Deno.remove(this.folder, { recursive: true });
  }
}

Deno.test("a claim's folder is made for the first pod, is open to all, and outlives it", async () => {
  await using world = await World.open();
  world.provisioned("data");
  const pod = world.pod("data");
  const mount = await world.mountOf(pod);
  assert.deepEqual(mount, { hostPath: world.pathOf("data"), containerPath: "/v", readOnly: false });
  assert.equal((await Deno.stat(mount.hostPath)).mode! & 0o777, 0o777);
  await Deno.writeTextFile(`${mount.hostPath}/file`, "kept");
  await Deno.chmod(mount.hostPath, 0o700);
  await world.volumes.remove(pod.metadata.uid);
  const again = await world.mountOf(world.pod("data", { name: "q" }));
  assert.equal(await Deno.readTextFile(`${again.hostPath}/file`), "kept");
  assert.equal((await Deno.stat(again.hostPath)).mode! & 0o777, 0o700);
});

Deno.test("a claim that the pod mounts read-only is so for all of its containers", async () => {
  await using world = await World.open();
  world.provisioned("data");
  const pod = world.pod("data", { source: { readOnly: true } });
  assert.equal((await world.mountOf(pod)).readOnly, true);
});

const WAITS = (why: string) =>
  `Unable to attach or mount volumes: unmounted volumes=[v], unattached volumes=[], failed to process volumes=[v]: ${why}`;

/** What there is, and what the pod's event says. */
const REFUSED: [string, (world: World) => Pod, string | RegExp][] = [
  [
    "is not there",
    (world) => world.pod("data"),
    WAITS(
      'error processing PVC default/data: failed to fetch PVC from API server: persistentvolumeclaims "data" not found',
    ),
  ],
  [
    "is not bound",
    (world) => {
      world.bound("data", { hostPath: { path: "/x" } }, { status: { phase: "Pending" } });
      return world.pod("data");
    },
    WAITS("error processing PVC default/data: PVC is not bound"),
  ],
  [
    "names the volume of another claim",
    (world) => {
      world.bound("theirs", { hostPath: { path: "/x" } });
      world.bound("data", { hostPath: { path: "/y" } }, { claim: { volumeName: "theirs" } });
      return world.pod("data");
    },
    /error processing PVC default\/data: found PV object theirs but its pv.Spec.ClaimRef.UID uid-\d+ does not point to claim.UID uid-\d+$/,
  ],
  [
    "is a device",
    (world) => {
      world.bound("data", { local: { path: "/x" }, volumeMode: "Block" });
      return world.pod("data");
    },
    WAITS("volume v has volumeMode Block, but is specified in volumeMounts"),
  ],
  [
    "is of a driver that is not here",
    (world) => {
      world.bound("data", { csi: { driver: "d.example.com", volumeHandle: "x" } });
      return world.pod("data");
    },
    /driver name d.example.com not found in the list of registered CSI drivers$/,
  ],
  [
    "is of a kind that is not here",
    (world) => {
      world.bound("data", { rbd: { monitors: ["m"], image: "i" } });
      return world.pod("data");
    },
    WAITS('failed to get Plugin from volumeSpec for volume "data" err=no volume plugin matched'),
  ],
  [
    "is a folder that is not there",
    (world) => {
      world.bound("data", { local: { path: `${world.folder}/none` } });
      return world.pod("data");
    },
    /^MountVolume.NewMounter initialization failed for volume "data" : path ".*none" does not exist$/,
  ],
  [
    "is on another node",
    (world) => {
      const matchExpressions = [{
        key: "kubernetes.io/hostname",
        operator: "In",
        values: ["other"],
      }];
      world.bound("data", {
        local: { path: world.folder },
        nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions }] } },
      });
      return world.pod("data");
    },
    'MountVolume.NodeAffinity check failed for volume "data" : no matching NodeSelectorTerms',
  ],
];

for (const [what, fill, message] of REFUSED) {
  Deno.test(`a pod whose claim ${what} waits, and is told why`, async () => {
    await using world = await World.open();
    await assert.rejects(world.volumes.make(fill(world)), { name: "VolumeError", message });
  });
}

Deno.test("nobody's volume shows the agent's files: by a path of its own, of another volume, or of another node", async () => {
  for (const openTree of [undefined, () => undefined]) {
    await using world = await World.open(openTree);
    world.provisioned("theirs");
    await world.mountOf(world.pod("theirs"));
    await Deno.writeTextFile(`${world.pathOf("theirs")}/secret`, "x");
    const paths = [
      `${world.folder}/data`,
      `${world.folder}/data/volumes`,
      world.pathOf("theirs"),
      `${world.folder}/data/pods`,
      `${world.pathOf("mine")}/../theirs`,
      world.folder,
    ];
    for (const path of paths) {
      world.bound("mine", { local: { path } });
      await assert.rejects(
        world.volumes.make(world.pod("mine", { name: "q" })),
        /refused|not an absolute path|does not exist/,
        path,
      );
    }
    world.provisioned("theirs", "another-node");
    const copy = world.pod("theirs", { name: "r" });
    await assert.rejects(world.volumes.make(copy), /refused/, "a folder of the same name");
  }
});

Deno.test({
  name: "the group of a pod gets all files of a claim, but nothing that links lead to",
  ignore: Deno.uid() !== 0 || FileTree.open() === undefined,
  fn: async () => {
    await using world = await World.open();
    world.provisioned("data");
    const outside = `${world.folder}/outside`;
    await Deno.writeTextFile(outside, "x", { mode: 0o600 });
    await world.mountOf(world.pod("data"));
    const root = world.pathOf("data");
    await Deno.mkdir(`${root}/a/b`, { recursive: true });
    await Deno.writeTextFile(`${root}/a/b/file`, "x", { mode: 0o600 });
    await Deno.symlink(outside, `${root}/link`);
    await Deno.symlink(world.folder, `${root}/a/up`);
    const securityContext = { fsGroup: 4321, fsGroupChangePolicy: "OnRootMismatch" };
    const modes = async () => {
      const names = ["", "/a", "/a/b", "/a/b/file"];
      const found = await Promise.all(names.map((name) => Deno.stat(root + name)));
      return found.map(({ gid, mode }) => `${gid} ${(mode! & 0o7777).toString(8)}`);
    };
    await world.mountOf(world.pod("data", { name: "q", spec: { securityContext } }));
    assert.deepEqual(await modes(), ["4321 2777", "4321 2775", "4321 2775", "4321 660"]);
    const { gid, mode } = await Deno.stat(outside);
    assert.deepEqual([gid, mode! & 0o777], [0, 0o600]);
    assert.equal((await Deno.stat(world.folder)).gid, 0);

    await Deno.chown(`${root}/a/b/file`, null, 0);
    await world.mountOf(world.pod("data", { name: "r", spec: { securityContext } }));
    assert.equal((await modes()).at(-1), "0 660", "the volume is the group's already");
    const always = { fsGroup: 4321 };
    await world.mountOf(world.pod("data", { name: "s", spec: { securityContext: always } }));
    assert.equal((await modes()).at(-1), "4321 660");
  },
});

Deno.test("a folder is removed with all that a pod left in it, and nothing else", async () => {
  const folder = await Deno.makeTempDir();
  const [volume, outside] = [`${folder}/volumes/pvc-1`, `${folder}/outside`];
  await Deno.mkdir(`${outside}/deep`, { recursive: true });
  await Deno.writeTextFile(`${outside}/deep/file`, "x");
  let path = volume;
  for (let depth = 0; depth < 300; depth++) path += "/d";
  await Deno.mkdir(path, { recursive: true });
  await Deno.symlink(outside, `${volume}/away`);
  await Deno.symlink(`${outside}/deep`, `${path}/away`);
  await Deno.symlink("..", `${volume}/up`);
  await Deno.writeTextFile(`${volume}/-rf`, "x");
  await removeVolumeFolder(volume);
  await removeVolumeFolder(volume);
  assert.deepEqual(await Array.fromAsync(Deno.readDir(`${folder}/volumes`)), []);
  assert.equal(await Deno.readTextFile(`${outside}/deep/file`), "x");
  await assert.rejects(removeVolumeFolder(`${folder}/volumes/../outside`), /no folder of ours/);
  await Deno.remove(folder, { recursive: true });
});
