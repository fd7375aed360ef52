/**
 * How many pods a second the scheduler places in a large cluster, bindings seen at once; without the store.
 * Must hold: 5,000 pods a second at 5,000 nodes (kube-scheduler's own threshold: 680).
 *
 * `deno run bench/scheduler.ts [nodes] [pods]`
 */
import type { View, ViewEvent } from "../core/client/client.ts";
import { nameOf } from "../core/controllers/runtime/controller.ts";
import { TestCluster } from "../core/controllers/test_cluster.ts";
import { type Node, nodes } from "../core/resources/core/nodes/nodes.ts";
import { type Pod, pods } from "../core/resources/core/pods/pods.ts";
import { PLUGINS } from "../core/scheduler/plugins/mod.ts";
import { scheduler } from "../core/scheduler/scheduler.ts";

const NODES = 5_000;
const PODS = 10_000;

/** Nodes and pods that differ by their names alone. */
class Crowd {
  readonly #nodes: Node[];
  readonly #pods: Map<string, Pod>;
  #tell: (event: ViewEvent<Pod>) => void = () => {};

  constructor(nodeCount: number, podCount: number) {
    const cluster = new TestCluster();
    const allocatable = { cpu: "32", memory: "64Gi", pods: "110" };
    const node = cluster.put<Node>(nodes, { metadata: { name: "n" }, status: { allocatable } });
    const resources = { requests: { cpu: "100m", memory: "200Mi" } };
    const owner = {
      apiVersion: "apps/v1",
      kind: "ReplicaSet",
      name: "r",
      uid: "r",
      controller: true,
    };
    const pod = cluster.put<Pod>(pods, {
      metadata: { name: "p", ownerReferences: [owner] },
      spec: { containers: [{ name: "a", image: "a", resources }] },
    });
    this.#nodes = Array.from({ length: nodeCount }, (_, number) => named(node, `n${number}`));
    const all = Array.from({ length: podCount }, (_, number) => named(pod, `p${number}`));
    this.#pods = new Map(all.map((each) => [each.metadata.name, each]));
  }

  get view(): View {
    const view = {
      get: (_resource: unknown, { name }: { name: string }) => this.#pods.get(name),
      list: (resource: unknown) => resource === nodes ? this.#nodes : [...this.#pods.values()],
      by: () => [],
      subscribe: (resource: unknown, listener: (event: ViewEvent<Pod>) => void) => {
        if (resource === pods) this.#tell = listener;
        return () => {};
      },
    };
    return view as unknown as View; // the scheduler asks for nodes and pods only
  }

  bind(name: string, nodeName: string): void {
    const pod = this.#pods.get(name)!;
    const object = { ...pod, spec: { ...pod.spec, nodeName } };
    this.#pods.set(name, object);
    this.#tell({ type: "MODIFIED", object });
  }
}

function named<T extends Node | Pod>(object: T, name: string): T {
  return { ...object, metadata: { ...object.metadata, name, uid: name } };
}

const crowd = new Crowd(Number(Deno.args[0] ?? NODES), Number(Deno.args[1] ?? PODS));
const keys: string[] = [];
const run = scheduler(PLUGINS).start(crowd.view, (key) => keys.push(key));
const startMs = performance.now();
let bound = 0;
for (const key of keys) {
  const [write] = run.reconcile(key, { nowMs: 0, elapsedMs: 0 }).writes;
  if (write?.verb !== "act") continue;
  const { target } = write.body as { target: { name: string } };
  crowd.bind(nameOf(key).name, target.name);
  bound++;
}
const seconds = (performance.now() - startMs) / 1_000;
// deno-lint-ignore no-console
console.log(`${bound} pods placed, ${Math.round(bound / seconds)} a second`);
