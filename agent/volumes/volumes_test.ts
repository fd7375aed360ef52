import assert from "node:assert/strict";
import { FileTree } from "../../core/lib/linux/file_tree.ts";
import { mountPoints } from "../../core/lib/linux/mount_table.ts";
import { freshObjects } from "../../core/objects/objects_fixture.ts";
import type { LocalClient } from "../../core/objects/local_client.ts";
import type { Draft } from "../../core/client/client.ts";
import { type ConfigMap, configMaps } from "../../core/resources/core/config_maps.ts";
import type { Container } from "../../core/resources/core/pods/spec/containers.ts";
import { type Pod, pods } from "../../core/resources/core/pods/pods.ts";
import { secrets } from "../../core/resources/core/secrets.ts";
import { VOLUME_TYPES } from "./types/mod.ts";
import { Volumes, type VolumesOptions } from "./volumes.ts";

Deno.test("an emptyDir is open to all, keeps its files, and goes with its pod", async () => {
  await using world = await VolumeWorld.start();
  const pod = await world.pod({ volumes: [{ name: "work", emptyDir: {} }] });
  await world.volumes.make(pod);
  const [mount] = await world.mounts(pod, { name: "work", mountPath: "/work" });
  assert.deepEqual({ ...mount, hostPath: "" }, {
    hostPath: "",
    containerPath: "/work",
    readOnly: false,
  });
  assert.equal((await Deno.stat(mount!.hostPath)).mode! & 0o777, 0o777);
  await Deno.writeTextFile(`${mount!.hostPath}/file`, "kept");
  await Deno.chmod(mount!.hostPath, 0o700); // as databases do
  await world.volumes.make(pod);
  assert.equal((await Deno.stat(mount!.hostPath)).mode! & 0o777, 0o700);
  assert.equal(await Deno.readTextFile(`${mount!.hostPath}/file`), "kept");
  await world.volumes.remove(pod.metadata.uid);
  await world.volumes.remove(pod.metadata.uid);
  await assert.rejects(Deno.stat(mount!.hostPath), Deno.errors.NotFound);
});

Deno.test({
  name: "an emptyDir in memory is a file system of its size, and is let go with its pod",
  ignore: Deno.uid() !== 0, // only root may mount; others get a folder on the disk
  fn: async () => {
    await using world = await VolumeWorld.start();
    const emptyDir = { medium: "Memory", sizeLimit: "1Mi" };
    const pod = await world.pod({ volumes: [{ name: "fast", emptyDir }] });
    await world.volumes.make(pod);
    await world.volumes.make(pod);
    const [mount] = await world.mounts(pod, { name: "fast", mountPath: "/fast" });
    const mountsOf = async () =>
      (await Deno.readTextFile("/proc/self/mounts")).split("\n")
        .filter((line) => line.includes(mount!.hostPath));
    const found = await mountsOf();
    if (found.length === 0) return; // root without CAP_SYS_ADMIN: it stays on the disk
    assert.match(found.join(), /^tmpfs .*size=1024k/);
    assert.equal(found.length, 1);
    await world.volumes.remove(pod.metadata.uid);
    assert.deepEqual(await mountsOf(), []);
  },
});

Deno.test("a ConfigMap is shown as files, and a change of it swaps them all at once", async () => {
  await using world = await VolumeWorld.start();
  await world.configMap({ a: "1", b: "2" });
  const configMap = { name: "settings", defaultMode: 0o640 };
  const pod = await world.pod({ volumes: [{ name: "etc", configMap }] });
  await world.volumes.make(pod);
  const [mount] = await world.mounts(pod, { name: "etc", mountPath: "/etc/app" });
  const folder = mount!.hostPath;
  assert.equal(mount!.readOnly, true);
  assert.deepEqual(await contents(folder), { a: "1", b: "2" });
  assert.equal((await Deno.stat(`${folder}/a`)).mode! & 0o777, 0o640);
  assert.equal(await Deno.readLink(`${folder}/a`), "..data/a");

  const before = await Deno.readLink(`${folder}/..data`);
  await world.volumes.refresh(pod);
  assert.equal(await Deno.readLink(`${folder}/..data`), before, "nothing had changed");

  await world.configMap({ a: "one", c: "3" });
  await world.volumes.refresh(pod);
  assert.deepEqual(await contents(folder), { a: "one", c: "3" });
  const hidden = (await Array.fromAsync(Deno.readDir(folder))).filter(({ name }) =>
    name.startsWith("..")
  );
  assert.equal(hidden.length, 2, "old files were left");
});

Deno.test("of changes that come quickly the last is shown", async () => {
  await using world = await VolumeWorld.start();
  await world.configMap({ a: "0" });
  const configMap = { name: "settings" };
  const pod = await world.pod({ volumes: [{ name: "etc", configMap }] });
  await world.volumes.make(pod);
  const [mount] = await world.mounts(pod, { name: "etc", mountPath: "/etc/app" });
  const slow = Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`b${index}`, "b"]));
  await world.configMap({ a: "1", ...slow });
  const first = world.volumes.refresh(pod);
  await world.configMap({ a: "2" });
  await Promise.all([first, world.volumes.refresh(pod)]);
  assert.deepEqual(await contents(mount!.hostPath), { a: "2" });
});

Deno.test("items choose keys, name paths and modes; what they name must be there", async () => {
  await using world = await VolumeWorld.start();
  await world.client.create(secrets, {
    metadata: { namespace: "default", name: "keys" },
    data: { tls: btoa("\x00\xffkey") },
  });
  const secret = { secretName: "keys", items: [{ key: "tls", path: "a/b/key", mode: 0o400 }] };
  const pod = await world.pod({ volumes: [{ name: "keys", secret }] });
  await world.volumes.make(pod);
  const [mount] = await world.mounts(pod, { name: "keys", mountPath: "/keys" });
  const path = `${mount!.hostPath}/a/b/key`;
  assert.deepEqual(await Deno.readFile(path), new Uint8Array([0, 255, 107, 101, 121]));
  assert.equal((await Deno.stat(path)).mode! & 0o777, 0o400);

  const items = [{ key: "other", path: "other" }];
  const broken = await world.pod({ volumes: [{ name: "keys", secret: { ...secret, items } }] });
  await assert.rejects(world.volumes.make(broken), {
    message:
      'MountVolume.SetUp failed for volume "keys" : references non-existent secret key: other',
  });
});

Deno.test("a ConfigMap that is missing keeps a pod waiting, unless it is optional", async () => {
  await using world = await VolumeWorld.start();
  const pod = await world.pod({ volumes: [{ name: "etc", configMap: { name: "nope" } }] });
  await assert.rejects(world.volumes.make(pod), {
    message: 'MountVolume.SetUp failed for volume "etc" : configmap "nope" not found',
  });
  const configMap = { name: "nope", optional: true };
  const other = await world.pod({ volumes: [{ name: "etc", configMap }] });
  await world.volumes.make(other);
  const [mount] = await world.mounts(other, { name: "etc", mountPath: "/etc/app" });
  assert.deepEqual(await contents(mount!.hostPath), {});
  await world.configMap({ a: "1" });
  const items = [{ key: "b", path: "b" }];
  const keyless = await world.pod({
    volumes: [{ name: "etc", configMap: { name: "settings", items } }],
  });
  await assert.rejects(world.volumes.make(keyless), {
    message:
      'MountVolume.SetUp failed for volume "etc" : configmap references non-existent config key: b',
  });
});

Deno.test("a hostPath is checked by its type", async () => {
  await using world = await VolumeWorld.start();
  const path = `${world.folder}/host`;
  const make = async (type: string, at = path) => {
    await world.volumes.make(
      await world.pod({ volumes: [{ name: "h", hostPath: { path: at, type } }] }),
    );
  };
  const fails = (words: string) => ({
    message:
      `MountVolume.SetUp failed for volume "h" : hostPath type check failed: ${path} is not ${words}`,
  });
  await assert.rejects(make("Directory"), fails("a directory"));
  await assert.rejects(make("Socket"), fails("a socket file"));
  await make("FileOrCreate");
  await make("File");
  await assert.rejects(make("DirectoryOrCreate"), fails("a directory"));
  await make("DirectoryOrCreate", `${path}-folder/inner`);
  assert.equal((await Deno.stat(`${path}-folder/inner`)).isDirectory, true);
});

Deno.test(ofRoot("a subPath stays in its volume, whatever links lie there", async () => {
  await using world = await VolumeWorld.start();
  const pod = await world.pod({ volumes: [{ name: "work", emptyDir: {} }] });
  await world.volumes.make(pod);
  const at = async (subPath: string) =>
    (await world.mounts(pod, { name: "work", mountPath: "/w", subPath }))[0]!.hostPath;
  const root = (await world.mounts(pod, { name: "work", mountPath: "/w" }))[0]!.hostPath;
  await Deno.writeTextFile(`${await at("made/here")}/file`, "seen");
  assert.equal(await Deno.readTextFile(`${root}/made/here/file`), "seen");
  await Deno.symlink("made/here", `${root}/inside`);
  assert.equal(await Deno.readTextFile(`${await at("inside")}/file`), "seen");
  assert.equal(await Deno.readTextFile(await at("inside/file")), "seen");
  await Deno.mkdir(`${world.folder}/outside`);
  await Deno.symlink(`${world.folder}/outside`, `${root}/out`);
  await Deno.writeTextFile(`${world.folder}/outside/file`, "");
  const refusal = {
    name: "ConfigError",
    message:
      /^failed to prepare subPath for volumeMount "work" of container "main": ".*" leads out/,
  };
  await assert.rejects(at("out"), refusal);
  await assert.rejects(at("out/file"), refusal);
  await assert.rejects(at("../../etc"), refusal);
  await assert.rejects(at("out/new/folder"), refusal);
  await assert.rejects(Deno.stat(`${world.folder}/outside/new`), Deno.errors.NotFound);
}));

Deno.test(ofRoot("a subPath that is made is as open as its volume, whoever runs", async () => {
  await using world = await VolumeWorld.start();
  const path = `${world.folder}/host`;
  await Deno.mkdir(path);
  await Deno.chmod(path, 0o770);
  const volumes = [{ name: "work", emptyDir: {} }, { name: "host", hostPath: { path } }];
  const pod = await world.pod({ volumes });
  await world.volumes.make(pod);
  const modeOf = async (name: string) => {
    const [mount] = await world.mounts(pod, { name, mountPath: "/w", subPath: "made/here/" });
    return (await Deno.stat(mount!.hostPath)).mode! & 0o777;
  };
  assert.equal(await modeOf("work"), 0o777);
  assert.equal(await modeOf("host"), 0o770);
}));

Deno.test(ofRoot("a hostPath that is a file or a socket is mounted as such", async () => {
  await using world = await VolumeWorld.start();
  await Deno.writeTextFile(`${world.folder}/file`, "seen");
  using _listener = Deno.listen({ transport: "unix", path: `${world.folder}/socket` });
  const hostPaths = { file: "File", socket: "Socket" };
  const volumes = Object.entries(hostPaths).map(([name, type]) => ({
    name,
    hostPath: { path: `${world.folder}/${name}`, type },
  }));
  const pod = await world.pod({ volumes });
  await world.volumes.make(pod);
  const [file, socket] = await world.mounts(
    pod,
    { name: "file", mountPath: "/f" },
    { name: "socket", mountPath: "/s" },
  );
  assert.equal(await Deno.readTextFile(file!.hostPath), "seen");
  assert.equal((await Deno.stat(socket!.hostPath)).isSocket, true);
  const below = world.mounts(pod, { name: "file", mountPath: "/f", subPath: "x" });
  await assert.rejects(below, { name: "ConfigError", message: /Not a directory/ });
}));

Deno.test(ofRoot("what a container is about to mount is let go of once it has it", async () => {
  await using world = await VolumeWorld.start();
  const path = `${world.folder}/host`;
  await Deno.mkdir(path);
  await Deno.writeTextFile(`${path}/file`, "kept");
  const volumes = [{ name: "work", emptyDir: {} }, { name: "host", hostPath: { path } }];
  const pod = await world.pod({ volumes });
  const { uid } = pod.metadata;
  await world.volumes.make(pod);
  const mount = async () =>
    await world.mounts(
      pod,
      { name: "work", mountPath: "/w", subPath: "a" },
      { name: "host", mountPath: "/h" },
    );
  const [_work, host] = await mount();
  await mount(); // of a second try
  assert.equal(await Deno.readTextFile(`${host!.hostPath}/file`), "kept");
  assert.equal((await mountsIn(world.folder)).length, 2);
  await world.volumes.releaseMounts(uid, "main");
  await world.volumes.releaseMounts(uid, "main");
  assert.deepEqual(await mountsIn(world.folder), []);
  await mount();
  await world.volumes.collectGarbage(); // of an agent that follows on a killed one
  assert.deepEqual(await mountsIn(world.folder), []);
  await mount();
  await world.volumes.remove(uid);
  await Deno.remove(`${world.folder}/data/pods/${uid}`, { recursive: true });
  assert.equal(await Deno.readTextFile(`${path}/file`), "kept");
}));

Deno.test("where paths cannot be held, no subPath of what pods write to is mounted", async () => {
  await using world = await VolumeWorld.start({ openTree: () => undefined });
  await world.configMap({ a: "1" });
  const path = `${world.folder}/host`;
  const volumes = [
    { name: "work", emptyDir: {} },
    { name: "host", hostPath: { path } },
    { name: "etc", configMap: { name: "settings" } },
  ];
  const pod = await world.pod({ volumes });
  await world.volumes.make(pod);
  const [whole, file] = await world.mounts(
    pod,
    { name: "work", mountPath: "/w" },
    { name: "etc", mountPath: "/e", subPath: "a" },
  );
  assert.ok((await Deno.stat(whole!.hostPath)).isDirectory);
  assert.equal(await Deno.readTextFile(file!.hostPath), "1");
  for (const name of ["work", "host"]) {
    await assert.rejects(world.mounts(pod, { name, mountPath: "/w", subPath: "a" }), {
      name: "ConfigError",
      message:
        /^failed to prepare subPath for volumeMount ".*" of container "main": a pod could swap/,
    });
  }
});

for (const openTree of [undefined, () => undefined]) {
  const how = openTree ? "by its name" : "by what it leads to";
  Deno.test(`a hostPath that shows what is the agent's is refused, ${how}`, async () => {
    await using world = await VolumeWorld.start({ ...(openTree && { openTree }) });
    const { folder } = world;
    await Deno.mkdir(`${folder}/run/coracle`, { recursive: true });
    await Deno.writeTextFile(`${folder}/run/coracle/podman.sock`, "");
    await Deno.mkdir(`${folder}/harmless`);
    await Deno.symlink(`${folder}/data`, `${folder}/harmless/link`);
    await Deno.symlink("../run", `${folder}/harmless/up`);
    const make = async (path: string, type = "") =>
      await world.volumes.make(
        await world.pod({ volumes: [{ name: "h", hostPath: { path, type } }] }),
      );
    const containing = ["/", folder, `${folder}/harmless/up`, `${folder}/run`];
    const refused = [
      ...(openTree ? containing : []), // else what they may not show is covered
      ...[`${folder}/data`, `${folder}/data/`, `${folder}/./data/pods`],
      ...["harmless/link", "harmless/link/pods", "harmless/link/new/folder"]
        .map((path) => `${folder}/${path}`),
      ...["run/coracle", "run/coracle/podman.sock", "run/coracle/new"]
        .map((path) => `${folder}/${path}`),
    ];
    for (const path of refused) {
      await assert.rejects(make(path), {
        name: "VolumeError",
        message:
          /^MountVolume.SetUp failed for volume "h" : hostPath refused: .* shows .*(data|run)/,
      }, path);
    }
    await assert.rejects(make(`${folder}/run/coracle/x`, "FileOrCreate"), /hostPath refused/);
    assert.deepEqual(await names(`${folder}/run/coracle`), ["podman.sock"]);
    await assert.rejects(Deno.stat(`${folder}/data/new`), Deno.errors.NotFound);
    await make(`${folder}/harmless`);
    await make(`${folder}/run/other/new`);
    if (!openTree) { for (const path of containing) await make(path); }
  });
}

Deno.test("a volume of a type that is not supported is said to be so", async () => {
  await using world = await VolumeWorld.start();
  const pod = await world.pod({
    volumes: [{ name: "disk", rbd: { monitors: ["m"], image: "i" } }],
  });
  await assert.rejects(world.volumes.make(pod), {
    message:
      "Unable to attach or mount volumes: unmounted volumes=[disk], unattached volumes=[], failed to process " +
      'volumes=[disk]: failed to get Plugin from volumeSpec for volume "disk" err=no volume plugin matched',
  });
});

class VolumeWorld implements AsyncDisposable {
  readonly volumes: Volumes;
  #pods = 0;

  private constructor(
    readonly client: LocalClient,
    readonly folder: string,
    options: Pick<VolumesOptions, "openTree">,
  ) {
    const clock = { now: () => Date.parse("2026-01-01T00:00:00Z") };
    this.volumes = new Volumes({
      types: VOLUME_TYPES,
      nodeName: "n",
      dataFolder: `${folder}/data`,
      view: client,
      clock,
      ...options,
      protectedPaths: [`${folder}/run/coracle`],
    });
  }

  static async start(options: Pick<VolumesOptions, "openTree"> = {}): Promise<VolumeWorld> {
    const { client } = await freshObjects();
    const folder = await Deno.realPath(await Deno.makeTempDir());
    await Deno.mkdir(`${folder}/data`);
    return new VolumeWorld(client, folder, options);
  }

  /** A pod as the API stores it, with all defaults. */
  async pod(spec: object): Promise<Pod> {
    const name = `web-${this.#pods++}`;
    const containers = [{ name: "main", image: "app:1" }];
    const draft = { metadata: { namespace: "default", name }, spec: { containers, ...spec } };
    return await this.client.create(pods, draft as Draft<Pod>);
  }

  async configMap(data: Record<string, string>): Promise<void> {
    const metadata = { namespace: "default", name: "settings" };
    const known: ConfigMap | undefined = this.client.get(configMaps, metadata);
    if (known) await this.client.update(configMaps, { ...known, data });
    else await this.client.create(configMaps, { metadata, data });
  }

  mounts(pod: Pod, ...volumeMounts: NonNullable<Container["volumeMounts"]>) {
    return this.volumes.mountsOf(pod, { ...pod.spec.containers[0]!, volumeMounts }, {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const pod of this.client.list(pods)) await this.volumes.remove(pod.metadata.uid);
    this.volumes[Symbol.dispose]();
    await Deno.remove(this.folder, { recursive: true });
  }
}

/** A test of what only root can do. */
function ofRoot(name: string, fn: () => Promise<void>): Deno.TestDefinition {
  using tree = FileTree.open();
  const hint = tree === undefined ? " (needs root on Linux with glibc)" : "";
  return { name: `${name}${hint}`, ignore: tree === undefined, fn };
}

async function mountsIn(folder: string): Promise<readonly string[]> {
  return mountPoints(await Deno.readTextFile("/proc/self/mountinfo"))
    .filter((path) => path.startsWith(`${folder}/`));
}

async function names(folder: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);
}

async function contents(folder: string): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for await (const { name } of Deno.readDir(folder)) {
    if (!name.startsWith("..")) files[name] = await Deno.readTextFile(`${folder}/${name}`);
  }
  return files;
}
