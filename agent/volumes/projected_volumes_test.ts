import assert from "node:assert/strict";
import type { Draft } from "../../core/client/client.ts";
import { freshObjects } from "../../core/objects/objects_fixture.ts";
import { configMaps } from "../../core/resources/core/config_maps.ts";
import { type Pod, pods } from "../../core/resources/core/pods/pods.ts";
import { VOLUME_TYPES } from "./types/mod.ts";
import { Volumes } from "./volumes.ts";

const API_ACCESS = {
  sources: [
    { serviceAccountToken: { expirationSeconds: 3_607, path: "token" } },
    { configMap: { name: "kube-root-ca.crt", items: [{ key: "ca.crt", path: "ca.crt" }] } },
    {
      downwardAPI: {
        items: [{ path: "namespace", fieldRef: { fieldPath: "metadata.namespace" } }],
      },
    },
  ],
};

class World implements AsyncDisposable {
  token = "token 1";
  readonly volumes: Volumes;
  readonly #folder: string;

  constructor(
    readonly client: Awaited<ReturnType<typeof freshObjects>>["client"],
    folder: string,
  ) {
    this.#folder = folder;
    this.volumes = new Volumes({
      types: VOLUME_TYPES,
      nodeName: "n",
      dataFolder: folder,
      view: client,
      clock: { now: () => Date.parse("2026-01-01T00:00:00Z") },
      allocatable: { cpu: "4", memory: "8Gi" },
      tokens: {
        tokenFor: () =>
          this.token === ""
            ? Promise.reject(new Error("failed to fetch token: no answer"))
            : Promise.resolve(this.token),
        forget: () => {},
      },
    });
  }

  static async start(): Promise<World> {
    const { client } = await freshObjects();
    return new World(client, await Deno.realPath(await Deno.makeTempDir()));
  }

  async pod(volume: object, spec: object = {}, labels: Record<string, string> = {}): Promise<Pod> {
    const draft = {
      metadata: { namespace: "default", name: "web", labels },
      spec: {
        containers: [{ name: "main", image: "app:1", resources: { limits: { cpu: "250m" } } }],
        volumes: [{ name: "v", ...volume }],
        ...spec,
      },
    };
    return await this.client.create(pods, draft as Draft<Pod>);
  }

  async addAuthority(): Promise<void> {
    const metadata = { namespace: "default", name: "kube-root-ca.crt" };
    await this.client.create(configMaps, { metadata, data: { "ca.crt": "CA", other: "x" } });
  }

  folder(pod: Pod, type: string): string {
    return `${this.#folder}/pods/${pod.metadata.uid}/volumes/kubernetes.io~${type}/v`;
  }

  async read(pod: Pod, path: string, type = "projected"): Promise<string> {
    return await Deno.readTextFile(`${this.folder(pod, type)}/${path}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const pod of this.client.list(pods)) await this.volumes.remove(pod.metadata.uid);
    this.volumes[Symbol.dispose]();
    await Deno.remove(this.#folder, { recursive: true });
  }
}

Deno.test("a projected volume has the files of all its sources, and shows a new token at once", async () => {
  await using world = await World.start();
  const pod = await world.pod({ projected: API_ACCESS });
  await assert.rejects(world.volumes.make(pod), {
    message: 'MountVolume.SetUp failed for volume "v" : configmap "kube-root-ca.crt" not found',
  });
  await world.addAuthority();
  await world.volumes.make(pod);
  const names = (await Array.fromAsync(Deno.readDir(world.folder(pod, "projected"))))
    .map(({ name }) => name).filter((name) => !name.startsWith("..")).toSorted();
  assert.deepEqual(names, ["ca.crt", "namespace", "token"]);
  assert.deepEqual(
    [
      await world.read(pod, "token"),
      await world.read(pod, "ca.crt"),
      await world.read(pod, "namespace"),
    ],
    ["token 1", "CA", "default"],
  );
  const { mode } = await Deno.stat(`${world.folder(pod, "projected")}/token`);
  assert.equal(mode! & 0o777, 0o644);
  world.token = "token 2";
  await world.volumes.refresh(pod);
  assert.equal(await world.read(pod, "token"), "token 2");
});

Deno.test("a pod whose token cannot be had says why, with all else that is missing", async () => {
  await using world = await World.start();
  world.token = "";
  const pod = await world.pod({ projected: API_ACCESS });
  await assert.rejects(world.volumes.make(pod), {
    message: 'MountVolume.SetUp failed for volume "v" : [failed to fetch token: no answer, ' +
      'configmap "kube-root-ca.crt" not found]',
  });
});

Deno.test("a token is readable by the only user, or the group, of a pod", async () => {
  const table: [object, number][] = [
    [{ securityContext: { fsGroup: Deno.gid() } }, 0o640],
    [{ securityContext: { runAsUser: Deno.uid() } }, 0o600],
    [{ securityContext: {} }, 0o644],
  ];
  for (const [spec, wanted] of table) {
    await using world = await World.start();
    await world.addAuthority();
    const pod = await world.pod({ projected: API_ACCESS }, spec);
    await world.volumes.make(pod);
    const { mode } = await Deno.stat(`${world.folder(pod, "projected")}/token`);
    assert.equal(mode! & 0o777, wanted, JSON.stringify(spec));
  }
});

Deno.test("fields of the pod are files, labels as lines", async () => {
  await using world = await World.start();
  const items = [
    { path: "labels", fieldRef: { fieldPath: "metadata.labels" } },
    { path: "a/name", fieldRef: { fieldPath: "metadata.name" }, mode: 0o400 },
    {
      path: "cpu",
      resourceFieldRef: { containerName: "main", resource: "limits.cpu", divisor: "1m" },
    },
    { path: "memory", resourceFieldRef: { containerName: "main", resource: "limits.memory" } },
  ];
  const pod = await world.pod({ downwardAPI: { items } }, {}, { b: "2", a: "1" });
  await world.volumes.make(pod);
  const read = (path: string) => world.read(pod, path, "downward-api");
  assert.equal(await read("labels"), 'a="1"\nb="2"');
  assert.deepEqual(
    [await read("a/name"), await read("cpu"), await read("memory")],
    ["web", "250", String(8 * 2 ** 30)],
  );
  const relabeled = { ...pod, metadata: { ...pod.metadata, labels: { c: "3" } } };
  await world.volumes.refresh(relabeled);
  assert.equal(await read("labels"), 'c="3"');
});
