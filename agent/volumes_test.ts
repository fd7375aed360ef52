import assert from "node:assert/strict";
import { freshObjects } from "../core/objects/objects_fixture.ts";
import type { LocalClient } from "../core/objects/local_client.ts";
import type { Draft } from "../core/client/client.ts";
import { type ConfigMap, configMaps } from "../core/resources/config_maps.ts";
import type { Container } from "../core/resources/pod_spec/containers.ts";
import { type Pod, pods } from "../core/resources/pods.ts";
import { secrets } from "../core/resources/secrets.ts";
import { Volumes } from "./volumes.ts";

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

Deno.test("a subPath stays in its volume, whatever links lie there", async () => {
  await using world = await VolumeWorld.start();
  const pod = await world.pod({ volumes: [{ name: "work", emptyDir: {} }] });
  await world.volumes.make(pod);
  const at = async (subPath: string) =>
    (await world.mounts(pod, { name: "work", mountPath: "/w", subPath }))[0]!.hostPath;
  const root = (await world.mounts(pod, { name: "work", mountPath: "/w" }))[0]!.hostPath;
  assert.equal(await at("made/here"), `${await Deno.realPath(root)}/made/here`);
  await Deno.mkdir(`${world.folder}/outside`);
  await Deno.symlink(`${world.folder}/outside`, `${root}/out`);
  await Deno.writeTextFile(`${world.folder}/outside/file`, "");
  const refusal = { message: 'failed to prepare subPath for volumeMount "work"' };
  await assert.rejects(at("out"), refusal);
  await assert.rejects(at("out/file"), refusal);
  await assert.rejects(at("../../etc"), refusal);
  await assert.rejects(at("out/new/folder"), refusal);
  await assert.rejects(Deno.stat(`${world.folder}/outside/new`), Deno.errors.NotFound);
});

Deno.test("a subPath that is made is as open as its volume, whoever the container runs as", async () => {
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
});

Deno.test("a volume of a type that is not supported is said to be so", async () => {
  await using world = await VolumeWorld.start();
  const pod = await world.pod({ volumes: [{ name: "disk", nfs: { server: "s", path: "/" } }] });
  await assert.rejects(world.volumes.make(pod), {
    message: 'MountVolume.SetUp failed for volume "disk" : ' +
      'volumes of type "nfs" are not supported by this agent',
  });
});

class VolumeWorld implements AsyncDisposable {
  readonly volumes: Volumes;
  #pods = 0;

  private constructor(readonly client: LocalClient, readonly folder: string) {
    const clock = { now: () => Date.parse("2026-01-01T00:00:00Z") };
    this.volumes = new Volumes({ dataFolder: folder, view: client, clock });
  }

  static async start(): Promise<VolumeWorld> {
    const { client } = await freshObjects();
    return new VolumeWorld(client, await Deno.makeTempDir());
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
    await Deno.remove(this.folder, { recursive: true });
  }
}

async function contents(folder: string): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for await (const { name } of Deno.readDir(folder)) {
    if (!name.startsWith("..")) files[name] = await Deno.readTextFile(`${folder}/${name}`);
  }
  return files;
}
