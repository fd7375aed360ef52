import assert from "node:assert/strict";
import { timestamp } from "../../lib/timestamp.ts";
import { daemonSets } from "../../resources/apps/daemon_sets.ts";
import { deployments } from "../../resources/apps/deployments.ts";
import { statefulSets } from "../../resources/apps/stateful_sets.ts";
import { leases } from "../../resources/coordination/leases.ts";
import { nodes } from "../../resources/core/nodes/nodes.ts";
import { type Pod, pods } from "../../resources/core/pods/pods.ts";
import { withDefaultTolerations } from "../../resources/core/pods/spec/default_tolerations.ts";
import type { AnyResource, KubeObject } from "../../resources/resource.ts";
import { daemonSetController } from "../apps/daemon_sets/daemon_sets.ts";
import { deploymentController } from "../apps/deployments.ts";
import { replicaSetController } from "../apps/replica_sets.ts";
import { statefulSetController } from "../apps/stateful_sets/stateful_sets.ts";
import { TestCluster } from "../test_cluster.ts";
import { evictionController } from "./evictions.ts";
import { largeOutageLoop } from "./large_outages.ts";
import { HEARTBEAT_GRACE_MS, nodeController } from "./nodes.ts";
import { outOfServicePodController } from "./pod_cleanup.ts";

const HOUR = 3_600_000;
const TEMPLATE = {
  metadata: { labels: { app: "web" } },
  spec: { containers: [{ name: "a", image: "a" }] },
};
const SELECTED = { selector: { matchLabels: { app: "web" } }, template: TEMPLATE };

/** A site and a machine besides; what is made is run by the site, as long as a test says so. */
class World {
  readonly cluster = new TestCluster();
  readonly controllers = [
    ...[nodeController(), largeOutageLoop(), evictionController(), outOfServicePodController],
    ...[deploymentController, replicaSetController, statefulSetController(), daemonSetController()],
  ];

  constructor(kind: AnyResource, spec: object) {
    const annotations = { "coracle.dev/autonomy": "1h" };
    this.#node("site", { annotations });
    this.#node("other");
    this.settle();
    this.cluster.put(kind as never, { metadata: { name: "web" }, spec });
    for (let round = 0; round < 4; round++) {
      this.settle();
      for (const pod of this.cluster.list(pods)) this.#run(pod);
    }
    this.settle();
  }

  /** The site is silent from now on. */
  lose(): void {
    this.#pass(HEARTBEAT_GRACE_MS);
  }

  /** Until the pods of the site have been evicted. */
  endAutonomy(): void {
    this.#pass(HOUR);
    this.#pass(300_000);
  }

  settle(): void {
    this.cluster.settle(this.controllers);
  }

  /** Names of pods, with `!` for those that are to end. */
  get pods(): string[] {
    return this.cluster.list(pods).filter(({ spec }) => spec.nodeName !== "other")
      .map(({ metadata: { name, deletionTimestamp }, spec }) =>
        `${kindOf(name)}${spec.nodeName ? "" : " new"}${deletionTimestamp ? "!" : ""}`
      ).sort();
  }

  get object(): { status: Record<string, unknown> } {
    const kinds: AnyResource[] = [deployments, statefulSets, daemonSets];
    const [found] = kinds.flatMap((kind) =>
      this.cluster.list(kind as never) as unknown as { status: Record<string, unknown> }[]
    );
    return found!;
  }

  taint(): void {
    const site = this.cluster.get(nodes, { name: "site" })!;
    const taints = [{ key: "node.kubernetes.io/out-of-service", effect: "NoExecute" as const }];
    this.cluster.put(nodes, { ...site, spec: { ...site.spec, taints } });
    this.settle();
  }

  #pass(ms: number): void {
    this.cluster.nowMs += ms;
    this.#renew("other");
    this.settle();
    this.settle();
  }

  #node(name: string, metadata: object = {}): void {
    const lastTransitionTime = timestamp(this.cluster.nowMs);
    this.cluster.put(nodes, {
      metadata: { name, labels: { at: name }, ...metadata },
      status: { conditions: [{ type: "Ready", status: "True", lastTransitionTime }] },
    });
    this.#renew(name);
  }

  #renew(name: string): void {
    const metadata = { namespace: "kube-node-lease", name };
    const before = this.cluster.get(leases, metadata);
    const renewTime = timestamp(this.cluster.nowMs);
    this.cluster.put(leases, {
      metadata: { ...before?.metadata, ...metadata },
      spec: { renewTime },
    });
  }

  /** As admission, the scheduler and an agent would. Pods of a DaemonSet say where they go. */
  #run(pod: Pod): void {
    if (pod.spec.nodeName !== undefined) return;
    const text = JSON.stringify(pod.spec.affinity ?? {});
    const nodeName = text.includes('"other"') ? "other" : "site";
    const tolerations = withDefaultTolerations(pod.spec.tolerations);
    const lastTransitionTime = timestamp(this.cluster.nowMs);
    this.cluster.put(pods, {
      ...pod,
      spec: { ...pod.spec, nodeName, tolerations },
      status: {
        ...pod.status,
        phase: "Running",
        conditions: [{ type: "Ready", status: "True", lastTransitionTime }],
      },
    });
  }
}

function kindOf(name: string): string {
  return name.replace(/-[a-z0-9]+-[a-z0-9]+$/, "").replace(/^web-[a-z0-9]{5}$/, "web");
}

/** Before the cut; while the node is offline; after its pods were evicted; once it is known to be out of service. */
const ROWS: Record<string, {
  kind: AnyResource;
  spec: object;
  /** As in `status`, while the node is offline. */
  counts: Record<string, number>;
  before: string[];
  evicted: string[];
  outOfService: string[];
}> = {
  "a Deployment": {
    kind: deployments as AnyResource,
    spec: { replicas: 2, ...SELECTED },
    counts: { availableReplicas: 2, readyReplicas: 2 },
    before: ["web", "web"],
    evicted: ["web new", "web new", "web!", "web!"],
    outOfService: ["web new", "web new"],
  },
  "a StatefulSet": {
    kind: statefulSets as AnyResource,
    spec: { replicas: 1, serviceName: "web", ...SELECTED },
    counts: { availableReplicas: 1, readyReplicas: 1 },
    before: ["web-0"],
    evicted: ["web-0!"], // never two of one ordinal
    outOfService: ["web-0 new"],
  },
  "a DaemonSet": {
    kind: daemonSets as AnyResource,
    spec: SELECTED,
    counts: { numberAvailable: 1, desiredNumberScheduled: 1 }, // of the nodes that take new pods
    before: ["web"],
    evicted: ["web"],
    outOfService: [],
  },
};

for (const [name, { kind, spec, counts, before, evicted, outOfService }] of Object.entries(ROWS)) {
  Deno.test(`${name} whose node is offline: nothing is replaced, then as Kubernetes does`, () => {
    const world = new World(kind, spec);
    assert.deepEqual(world.pods, before);
    world.lose();
    assert.deepEqual(world.pods, before, "offline");
    for (const [field, count] of Object.entries(counts)) {
      assert.equal(world.object.status[field], count, field);
    }
    world.endAutonomy();
    assert.deepEqual(world.pods, evicted, "evicted");
    world.taint();
    assert.deepEqual(world.pods, outOfService, "out of service");
  });
}

Deno.test("a Deployment of Recreate waits for the node with its next template", () => {
  const spec = { replicas: 1, strategy: { type: "Recreate" }, ...SELECTED };
  const world = new World(deployments as AnyResource, spec);
  world.lose();
  const [before] = world.cluster.list(deployments);
  const template = { ...TEMPLATE, spec: { containers: [{ name: "a", image: "b" }] } };
  const { metadata } = before as KubeObject;
  world.cluster.put(deployments, {
    ...before!,
    metadata: { ...metadata, generation: 2 },
    spec: { ...spec, template },
  });
  world.settle();
  assert.deepEqual(world.pods, ["web!"]);
  world.taint();
  assert.deepEqual(world.pods, ["web new"]);
});

Deno.test("out of service counts for a node that is left alone, too", () => {
  const { kind, spec } = ROWS["a StatefulSet"]!;
  const world = new World(kind, spec);
  world.lose();
  world.taint();
  assert.deepEqual(world.pods, ["web-0 new"]);
});
