import assert from "node:assert/strict";
import { clientOf, TestCluster } from "../../core/controllers/test_cluster.ts";
import { silentLog } from "../../core/lib/log.ts";
import { VirtualClock } from "../../core/lib/virtual_clock.ts";
import { persistentVolumes } from "../../core/resources/core/persistent_volumes/persistent_volumes.ts";
import { ReleasedVolumes } from "./released_volumes.ts";

const FINALIZER = "external-provisioner.volume.kubernetes.io/finalizer";

/** The volumes of an API, and the folders that the agent of the node `n` has removed. */
class World implements AsyncDisposable {
  readonly cluster = new TestCluster();
  readonly clock = new VirtualClock();
  readonly removed: string[] = [];
  readonly told: string[] = [];
  fails = false;
  readonly #stop = new AbortController();
  #run: Promise<void> = Promise.resolve();

  start(): this {
    const { cluster, clock, removed, told } = this;
    const volumes = new ReleasedVolumes({
      nodeName: "n",
      volumesFolder: "/data/volumes",
      client: clientOf(cluster),
      view: cluster,
      clock,
      log: silentLog(clock),
      events: { record: (_, { message }) => told.push(message) },
      removeFolder: (path) => {
        if (this.fails) return Promise.reject(new Error("it is busy"));
        removed.push(path);
        return Promise.resolve();
      },
    });
    this.#run = volumes.run(this.#stop.signal);
    return this;
  }

  volume(name: string, { spec = {}, annotations = {}, phase = "Released", ...metadata }: {
    spec?: object;
    annotations?: object;
    phase?: string;
    finalizers?: string[];
  } = {}): void {
    this.cluster.put(persistentVolumes, {
      metadata: {
        name,
        annotations: {
          "pv.kubernetes.io/provisioned-by": "coracle.dev/local-path",
          "coracle.dev/local-path-node": "n",
          ...annotations,
        },
        finalizers: [FINALIZER],
        ...metadata,
      },
      spec: {
        persistentVolumeReclaimPolicy: "Delete",
        local: { path: `/data/volumes/${name}` },
        ...spec,
      },
      status: { phase },
    });
  }

  get names(): string[] {
    return this.cluster.list(persistentVolumes).map(({ metadata: { name } }) => name);
  }

  async settle(): Promise<void> {
    for (let turn = 0; turn < 50; turn++) await Promise.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#run;
  }
}

Deno.test("a released volume goes with its folder, whether it was released before or after the agent's start", async () => {
  await using world = new World();
  world.volume("before");
  world.start();
  await world.settle();
  world.volume("after", { phase: "Bound" });
  await world.settle();
  assert.deepEqual(world.removed.splice(0).filter((path) => path.endsWith("after")), []);
  world.cluster.patchStatus(persistentVolumes, { name: "after" }, { phase: "Released" });
  await world.settle();
  assert.deepEqual(world.names, []);
  assert.deepEqual([...new Set(world.removed)], ["/data/volumes/after"]);
});

/** Volumes whose folders must stay. */
const OTHERS: [string, Parameters<World["volume"]>[1]][] = [
  ["is bound", { phase: "Bound" }],
  ["is not bound yet", { phase: "Available" }],
  ["is to be kept", { spec: { persistentVolumeReclaimPolicy: "Retain" } }],
  ["is of another node with the same folder", {
    annotations: { "coracle.dev/local-path-node": "m" },
  }],
  ["was made by somebody else", { annotations: { "pv.kubernetes.io/provisioned-by": "a.b/c" } }],
  ["is of another volume", { spec: { local: { path: "/data/volumes/other" } } }],
  ["lies elsewhere", { spec: { local: { path: "/etc" } } }],
  ["leads elsewhere", { spec: { local: { path: "/data/volumes/x/../../../etc" } } }],
];

for (const [what, draft] of OTHERS) {
  Deno.test(`the folder of a volume that ${what} stays`, async () => {
    await using world = new World();
    world.volume("x", draft);
    world.start();
    await world.settle();
    assert.deepEqual(world.removed, []);
    assert.deepEqual(world.names, ["x"]);
  });
}

Deno.test("a folder that cannot be removed is tried again, ever later, and told of once", async () => {
  await using world = new World();
  world.fails = true;
  world.volume("x");
  world.start();
  for (let tries = 0; tries < 4; tries++) {
    await world.settle();
    await world.clock.step();
  }
  assert.ok(world.clock.elapsed() >= 1_000 + 2_000 + 4_000);
  assert.deepEqual(world.told, ["it is busy"]);
  assert.deepEqual(world.names, ["x"]);
  world.fails = false;
  await world.settle();
  await world.clock.step();
  await world.settle();
  assert.deepEqual(world.names, []);
});
