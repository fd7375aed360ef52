import assert from "node:assert/strict";
import { EventRecorder } from "../client/event_recorder.ts";
import { loadedControllers } from "../controllers/mod.ts";
import { isReady } from "../resources/core/pods/pod_states.ts";
import { type Look, runLoop } from "../controllers/runtime/run_controller.ts";
import { conditionOf, withCondition } from "../resources/conditions.ts";
import { timestamp } from "../lib/timestamp.ts";
import { silentLog } from "../lib/log.ts";
import type { VirtualClock } from "../lib/virtual_clock.ts";
import type { LocalClient } from "../objects/local_client.ts";
import { freshObjects } from "../objects/objects_fixture.ts";
import { type Deployment, deployments } from "../resources/apps/deployments.ts";
import { endpointSlices } from "../resources/discovery/endpoint_slices.ts";
import { events } from "../resources/events/events.ts";
import { leases } from "../resources/coordination/leases.ts";
import { MutableCatalog } from "../resources/catalog.ts";
import { RESOURCES } from "../resources/mod.ts";
import { namespaces } from "../resources/core/namespaces.ts";
import { nodes } from "../resources/core/nodes/nodes.ts";
import { type Pod, pods } from "../resources/core/pods/pods.ts";
import { replicaSets } from "../resources/apps/replica_sets.ts";
import { services } from "../resources/core/services/services.ts";
import { PLUGINS } from "./plugins/mod.ts";
import { scheduler } from "./scheduler.ts";

const CONTROLLERS = await loadedControllers();
const LEASE_MS = 10_000;
const START_MS = 1_000;

/** All controllers and the scheduler on the real verbs, with a fake agent. */
class Cluster {
  readonly looks: Look[] = [];
  readonly #stop = new AbortController();
  readonly #silent = new Set<string>();
  #running: Promise<unknown> = Promise.resolve();
  #address = 10;

  constructor(readonly client: LocalClient, readonly clock: VirtualClock) {}

  static async start(): Promise<Cluster> {
    const { client, clock } = await freshObjects();
    const cluster = new Cluster(client, clock);
    cluster.#run();
    return cluster;
  }

  #run(): void {
    const { client, clock } = this;
    const { signal } = this.#stop;
    const log = silentLog(clock);
    const recorder = new EventRecorder({ client, clock, log, signal });
    const observe = (look: Look) => this.looks.push(look);
    const parts = { client, view: client, clock, log, events: recorder, observe };
    const options = {
      catalog: new MutableCatalog(RESOURCES),
      gatewayAddress: "127.0.0.1",
      reservedRanges: [],
      authority: "",
    };
    const loops = [
      ...CONTROLLERS.map((create) => create(options)),
      scheduler(PLUGINS),
    ];
    this.#running = Promise.all(loops.map((loop) => runLoop(loop, parts, signal)));
    client.subscribe(pods, ({ type, object }) => {
      if (type !== "DELETED") this.#agentReceives(object);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async addNode(name: string, cpu = "4"): Promise<void> {
    const ready = { type: "Ready", status: "True" as const, reason: "KubeletReady", message: "" };
    const amounts = { cpu, memory: "8Gi", pods: "110", "ephemeral-storage": "10Gi" };
    await this.client.create(nodes, { metadata: { name } });
    await this.client.create(leases, { metadata: { name, namespace: "kube-node-lease" } });
    await this.clock.advance(0);
    const node = this.client.get(nodes, { name })!;
    await this.client.updateStatus(nodes, {
      ...node,
      status: { ...node.status, allocatable: amounts, capacity: amounts, conditions: [ready] },
    });
    this.#renew(name);
  }

  /** The agent of a node stops responding. */
  cutOff(node: string): void {
    this.#silent.add(node);
  }

  #renew(name: string): void {
    this.clock.after(LEASE_MS, async () => {
      if (this.#silent.has(name) || this.#stop.signal.aborted) return;
      const lease = this.client.get(leases, { namespace: "kube-node-lease", name })!;
      const renewTime = timestamp(this.clock.now());
      await this.client.update(leases, { ...lease, spec: { ...lease.spec, renewTime } });
      this.#renew(name);
    });
  }

  #agentReceives(pod: Pod): void {
    const { spec: { nodeName }, metadata: { deletionTimestamp } } = pod;
    if (nodeName === undefined || this.#silent.has(nodeName)) return;
    if (deletionTimestamp) this.clock.after(START_MS, () => void this.#endPod(pod));
    else if (!isReady(pod)) this.clock.after(START_MS, () => void this.#runPod(pod));
  }

  async #runPod({ metadata }: Pod): Promise<void> {
    const pod = this.client.get(pods, metadata);
    if (pod === undefined || isReady(pod) || pod.metadata.deletionTimestamp) return;
    if (pod.spec.containers[0]?.image === "web:broken") return;
    const conditions = withCondition(
      pod.status.conditions,
      { type: "Ready", status: "True" },
      this.clock.now(),
    );
    const podIP = pod.status.podIP ?? `10.0.0.${this.#address++}`;
    const status = {
      ...pod.status,
      phase: "Running" as const,
      conditions,
      podIP,
      podIPs: [{ ip: podIP }],
    };
    await this.client.updateStatus(pods, { ...pod, status }).catch(() => {}); // it has changed: the agent receives it again
  }

  async #endPod({ metadata }: Pod): Promise<void> {
    await this.client.delete(pods, metadata, { gracePeriodSeconds: 0 }).catch(() => {}); // it is gone
  }

  deployment(name: string): Deployment {
    return this.client.get(deployments, { namespace: "default", name })!;
  }

  deploy(name: string, replicas: number, image: string): Promise<Deployment> {
    const template = {
      metadata: { labels: { app: name } },
      spec: { containers: [{ name: "web", image, ports: [{ name: "http", containerPort: 80 }] }] },
    };
    return this.client.create(deployments, {
      metadata: { name, namespace: "default" },
      spec: { replicas, selector: { matchLabels: { app: name } }, template },
    });
  }

  /** Changes the image as `kubectl set image` would. */
  async setImage(name: string, image: string): Promise<void> {
    const deployment = this.deployment(name);
    const { template } = deployment.spec;
    const containers = template.spec.containers.map((container) => ({ ...container, image }));
    await this.client.update(deployments, {
      ...deployment,
      spec: {
        ...deployment.spec,
        template: { ...template, spec: { ...template.spec, containers } },
      },
    });
  }
}

Deno.test("a Deployment of 3 rolls out, is served, and is updated with at least 3 available", async () => {
  await using cluster = await Cluster.start();
  const { client, clock } = cluster;
  await cluster.addNode("n1");
  await cluster.addNode("n2");
  await client.create(services, {
    metadata: { name: "web", namespace: "default" },
    spec: { selector: { app: "web" }, ports: [{ port: 80, targetPort: "http" }] },
  });
  await cluster.deploy("web", 3, "web:1");
  await clock.advance(10_000);
  assertComplete(cluster.deployment("web"), 3);
  assert.equal(
    cluster.deployment("web").metadata.annotations?.["deployment.kubernetes.io/revision"],
    "1",
  );
  assert.deepEqual(readyEndpoints(client), 3);
  let leastReady = Infinity;
  client.subscribe(pods, () => {
    const up = client.list(pods).filter((pod) => isReady(pod) && !pod.metadata.deletionTimestamp);
    leastReady = Math.min(leastReady, up.length);
  });
  await cluster.setImage("web", "web:2");
  await clock.advance(30_000);
  assertComplete(cluster.deployment("web"), 3);
  assert.equal(leastReady, 3);
  assert.deepEqual(
    client.list(pods).map(({ spec }) => spec.containers[0]?.image),
    Array(3).fill("web:2"),
  );
  assert.deepEqual(client.list(replicaSets).map(({ spec }) => spec.replicas).sort(), [0, 3]);
  assert.deepEqual(readyEndpoints(client), 3);
  const messages = client.list(events).map(({ message }) => message);
  assert.ok(
    messages.some((message) => message?.match(/^Scaled up replica set web-\S+ from 0 to 3$/)),
  );
  assert.ok(
    messages.some((message) => message?.match(/^Successfully assigned default\/web-\S+ to n[12]$/)),
  );
});

Deno.test("a bad image stops the rollout at the limits, and a rollback completes it", async () => {
  await using cluster = await Cluster.start();
  const { client, clock } = cluster;
  await cluster.addNode("n1");
  await cluster.deploy("web", 4, "web:1");
  await clock.advance(10_000);
  await cluster.setImage("web", "web:broken");
  await clock.advance(620_000);
  const stuck = cluster.deployment("web");
  assert.equal(stuck.status.availableReplicas, 3);
  assert.equal(stuck.status.updatedReplicas, 2);
  assert.equal(
    conditionOf(stuck.status.conditions, "Progressing")?.reason,
    "ProgressDeadlineExceeded",
  );
  assert.equal(conditionOf(stuck.status.conditions, "Available")?.status, "True");
  await cluster.setImage("web", "web:1");
  await clock.advance(20_000);
  const back = cluster.deployment("web");
  assertComplete(back, 4);
  assert.equal(back.metadata.annotations?.["deployment.kubernetes.io/revision"], "3");
  assert.equal(client.list(replicaSets).length, 2);
});

Deno.test("nothing is reconciled while nothing changes, except for the heartbeats of nodes", async () => {
  await using cluster = await Cluster.start();
  await cluster.addNode("n1");
  await cluster.deploy("web", 2, "web:1");
  await cluster.clock.advance(700_000);
  cluster.looks.length = 0;
  await cluster.clock.advance(600_000);
  const looks = cluster.looks.filter(({ loop }) => loop !== "node-controller");
  assert.deepEqual(looks, []);
  assert.ok(cluster.looks.every(({ writes }) => writes === 0));
  assert.ok(cluster.looks.length <= 600_000 / LEASE_MS * 2, String(cluster.looks.length));
});

Deno.test("pods of a lost node are replaced on another one once their tolerations have expired", async () => {
  await using cluster = await Cluster.start();
  const { client, clock } = cluster;
  await cluster.addNode("n1");
  await cluster.deploy("web", 2, "web:1");
  await clock.advance(15_000);
  await cluster.addNode("n2");
  cluster.cutOff("n1");
  await clock.advance(60_000);
  const lost = client.get(nodes, { name: "n1" })!;
  const ready = conditionOf(lost.status.conditions, "Ready");
  assert.deepEqual([ready?.status, ready?.reason], ["Unknown", "NodeStatusUnknown"]);
  assert.equal(ready?.message, "Kubelet stopped posting node status.");
  assert.ok(
    client.list(pods).every((pod) => !isReady(pod)),
    "pods of a lost node are not ready",
  );
  await clock.advance(310_000);
  const moved = client.list(pods).filter(({ metadata }) => !metadata.deletionTimestamp);
  assert.deepEqual(moved.map(({ spec }) => spec.nodeName), ["n2", "n2"]);
  assertComplete(cluster.deployment("web"), 2);
  await client.delete(nodes, { name: "n1" });
  await clock.advance(50_000);
  assert.equal(client.list(pods).length, 2, "the pods of the deleted node are removed");
});

Deno.test("deleting a Deployment deletes everything that it owns, in the background and in the foreground", async () => {
  await using cluster = await Cluster.start();
  const { client, clock } = cluster;
  await cluster.addNode("n1");
  for (const propagationPolicy of ["Background", "Foreground"] as const) {
    await cluster.deploy("web", 2, "web:1");
    await clock.advance(10_000);
    assertComplete(cluster.deployment("web"), 2);
    await client.delete(deployments, { namespace: "default", name: "web" }, { propagationPolicy });
    await clock.advance(1);
    const isThere = client.get(deployments, { namespace: "default", name: "web" }) !== undefined;
    assert.equal(isThere, propagationPolicy === "Foreground");
    await clock.advance(10_000);
    assert.equal(client.list(deployments).length, 0, propagationPolicy);
    assert.equal(client.list(replicaSets).length, 0, propagationPolicy);
    assert.equal(client.list(pods).length, 0, propagationPolicy);
  }
});

Deno.test("deleting a Deployment can orphan its ReplicaSet", async () => {
  await using cluster = await Cluster.start();
  const { client, clock } = cluster;
  await cluster.addNode("n1");
  await cluster.deploy("web", 2, "web:1");
  await clock.advance(10_000);
  const name = { namespace: "default", name: "web" };
  await client.delete(deployments, name, { propagationPolicy: "Orphan" });
  await clock.advance(10_000);
  assert.equal(client.list(deployments).length, 0);
  assert.equal(client.list(pods).length, 2);
  assert.deepEqual(client.list(replicaSets).map(({ metadata }) => metadata.ownerReferences), [
    undefined,
  ]);
});

Deno.test("a deleted namespace is emptied, then removed", async () => {
  await using cluster = await Cluster.start();
  const { client, clock } = cluster;
  await cluster.addNode("n1");
  await client.create(namespaces, { metadata: { name: "shop" } });
  await client.create(pods, {
    metadata: { name: "a", namespace: "shop" },
    spec: { containers: [{ name: "a", image: "a" }] },
  });
  await clock.advance(5_000);
  await client.delete(namespaces, { name: "shop" });
  await clock.advance(1);
  assert.equal(client.get(namespaces, { name: "shop" })?.status.phase, "Terminating");
  await clock.advance(10_000);
  assert.equal(client.get(namespaces, { name: "shop" }), undefined);
  assert.equal(client.list(pods, "shop").length, 0);
});

Deno.test("events are removed an hour after they were last recorded", async () => {
  await using cluster = await Cluster.start();
  const { client, clock } = cluster;
  await cluster.addNode("n1");
  await cluster.deploy("web", 1, "web:1");
  await clock.advance(10_000);
  await clock.advance(3_500_000);
  assert.ok(client.list(events).length > 0);
  await clock.advance(100_000);
  assert.equal(client.list(events).length, 0);
});

function assertComplete({ metadata, spec, status }: Deployment, replicas: number): void {
  assert.equal(spec.replicas, replicas);
  assert.deepEqual(
    [status.replicas, status.updatedReplicas, status.readyReplicas, status.availableReplicas],
    Array(4).fill(replicas),
  );
  assert.equal(status.unavailableReplicas, undefined);
  assert.equal(status.observedGeneration, metadata.generation);
  const words = status.conditions?.map(({ type, status, reason }) => `${type} ${status} ${reason}`);
  assert.deepEqual(words?.sort(), [
    "Available True MinimumReplicasAvailable",
    "Progressing True NewReplicaSetAvailable",
  ]);
}

function readyEndpoints(client: LocalClient): number {
  return client.by(endpointSlices, "service", "default/web").flatMap(({ endpoints }) => endpoints)
    .filter(({ conditions }) => conditions.ready).length;
}
