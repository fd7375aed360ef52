import type { View, ViewEvent } from "../core/client/client.ts";
import { TestCluster } from "../core/controllers/test_cluster.ts";
import { type Node, nodes } from "../core/resources/core/nodes/nodes.ts";
import { type Pod, pods } from "../core/resources/core/pods/pods.ts";
import type { AnyResource, KubeObject } from "../core/resources/resource.ts";

/** Pods of so many Deployments. */
const GROUPS = 5;
const ZONES = 10;

/** What pods say about where they want to be; `group`: the number of their Deployment. */
export const SHAPES: Readonly<Record<string, (group: number) => object>> = {
  plain: () => ({}),
  "anti-affinity": (group) => ({
    affinity: {
      podAntiAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: [near(group, "kubernetes.io/hostname")],
      },
    },
  }),
  "preferred affinity": (group) => ({
    affinity: {
      podAffinity: {
        preferredDuringSchedulingIgnoredDuringExecution: [{
          weight: 10,
          podAffinityTerm: near(group, "topology.kubernetes.io/zone"),
        }],
      },
    },
  }),
  spread: (group) => ({
    topologySpreadConstraints: [
      spread(group, "topology.kubernetes.io/zone", "DoNotSchedule"),
      spread(group, "kubernetes.io/hostname", "ScheduleAnyway"),
    ],
  }),
};

function near(group: number, topologyKey: string): object {
  return { labelSelector: { matchLabels: { app: `app-${group}` } }, topologyKey };
}

function spread(group: number, topologyKey: string, whenUnsatisfiable: string): object {
  const labelSelector = { matchLabels: { app: `app-${group}` } };
  return { maxSkew: 1, topologyKey, whenUnsatisfiable, labelSelector };
}

/** Nodes in zones, and pods that are to be placed on them; some are on nodes already. */
export class Crowd {
  readonly nodes: readonly Node[];
  readonly pods: Map<string, Pod>;
  #tell: (event: ViewEvent<Pod>) => void = () => {};

  constructor(counts: { nodes: number; bound: number; pending: number }, shape: string) {
    const cluster = new TestCluster();
    const allocatable = { cpu: "32", memory: "64Gi", pods: "110" };
    this.nodes = Array.from({ length: counts.nodes }, (_, i) => {
      const name = `node-${i}`;
      const labels = {
        "kubernetes.io/hostname": name,
        "topology.kubernetes.io/zone": `zone-${i % ZONES}`,
      };
      return cluster.put<Node>(nodes, { metadata: { name, labels }, status: { allocatable } });
    });
    const templates = Array.from({ length: GROUPS }, (_, group) => podOf(cluster, shape, group));
    const all = Array.from({ length: counts.bound + counts.pending }, (_, i) => {
      const pod = named(templates[i % GROUPS]!, `pod-${i}`);
      const nodeName = `node-${i * 7 % counts.nodes}`;
      return i < counts.bound ? { ...pod, spec: { ...pod.spec, nodeName } } : pod;
    });
    this.pods = new Map(all.map((pod) => [pod.metadata.name, pod]));
  }

  /** Of nodes and pods alone. */
  get view(): View {
    const listOf = (resource: AnyResource): readonly KubeObject[] =>
      resource === nodes ? this.nodes : resource === pods ? [...this.pods.values()] : [];
    const view = {
      get: (resource: AnyResource, { name }: { name: string }) =>
        resource === pods ? this.pods.get(name) : undefined,
      list: listOf,
      by: () => [],
      subscribe: (resource: unknown, listener: (event: ViewEvent<Pod>) => void) => {
        if (resource === pods) this.#tell = listener;
        return () => {};
      },
    };
    return view as unknown as View; // the scheduler asks for nothing else that is there
  }

  bind(name: string, nodeName: string): void {
    const pod = this.pods.get(name)!;
    const object = { ...pod, spec: { ...pod.spec, nodeName } };
    this.pods.set(name, object);
    this.#tell({ type: "MODIFIED", object });
  }
}

function podOf(cluster: TestCluster, shape: string, group: number): Pod {
  const resources = { requests: { cpu: "100m", memory: "200Mi" } };
  const [name, uid] = [`set-${group}`, `set-${group}`];
  const owner = { apiVersion: "apps/v1", kind: "ReplicaSet", name, uid, controller: true };
  return cluster.put<Pod>(pods, {
    metadata: { name: `p-${group}`, labels: { app: `app-${group}` }, ownerReferences: [owner] },
    spec: { containers: [{ name: "a", image: "a", resources }], ...SHAPES[shape]!(group) },
  });
}

function named(pod: Pod, name: string): Pod {
  return { ...pod, metadata: { ...pod.metadata, name, uid: name } };
}
