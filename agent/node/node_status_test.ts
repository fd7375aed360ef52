import assert from "node:assert/strict";
import { LinkError } from "../../core/client/link_error.ts";
import type { Client } from "../../core/client/client.ts";
import { silentLog } from "../../core/lib/log.ts";
import { freshObjects } from "../../core/objects/objects_fixture.ts";
import { type Lease, leases } from "../../core/resources/coordination/leases.ts";
import { nodes } from "../../core/resources/core/nodes/nodes.ts";
import { allocatableOf } from "./allocatable.ts";
import { NodeStatus } from "./node_status.ts";

const NAME = "node-a";
const LEASE = { namespace: "kube-node-lease", name: NAME };
const MACHINE = {
  capacity: { cpu: "2", memory: "4Gi" },
  info: {
    architecture: "amd64",
    bootID: "",
    kernelVersion: "",
    machineID: "",
    operatingSystem: "linux",
    osImage: "",
    systemUUID: "",
  },
};

Deno.test("the lease goes on within 10 s after the API was out of reach, however long that was", async () => {
  await using node = await kept();
  node.isAway = true;
  await node.clock.advance(300_000);
  const before = node.renewed();
  node.isAway = false;
  await node.clock.advance(10_000);
  assert.ok(node.renewed() > before, node.renewed());
});

Deno.test("a node is registered in one write with its status, and gets no pods before the server has seen it", async () => {
  await using node = await kept();
  const { spec, status } = node.client.get(nodes, { name: NAME })!;
  assert.deepEqual(spec.taints, [{ key: "node.kubernetes.io/not-ready", effect: "NoSchedule" }]);
  assert.equal(status.conditions?.find(({ type }) => type === "Ready")?.status, "True");
  assert.equal(status.capacity?.["cpu"], "2");
  assert.deepEqual(node.told, ["NodeReady"]);
  assert.equal(node.writes.length, 2, node.writes.join()); // the node and its lease
});

Deno.test("a registration that came twice, and is refused the second time, is one", async () => {
  await using node = await kept({ comesTwice: true });
  await node.clock.advance(500);
  assert.equal(node.ready(), "True");
  assert.notEqual(node.client.get(leases, LEASE), undefined);
});

Deno.test("a node that the server called lost says at once that it is not", async () => {
  await using node = await kept();
  const shown = node.client.get(nodes, { name: NAME })!;
  const conditions = shown.status.conditions!.map((condition) => ({
    ...condition,
    status: "Unknown" as const,
  }));
  await node.client.updateStatus(nodes, { ...shown, status: { ...shown.status, conditions } });
  await node.clock.advance(1_000);
  assert.equal(node.ready(), "True");
});

Deno.test("amounts that others have added to a node stay, and none of its own that have gone", async () => {
  await using node = await kept();
  const shown = node.client.get(nodes, { name: NAME })!;
  const added = { "example.com/dongle": "4", "kubernetes.io/batteries": "1", old: "3", cpu: "9" };
  const conditions = shown.status.conditions!.map((each) => ({
    ...each,
    status: "Unknown" as const,
  }));
  const status = { ...shown.status, capacity: added, allocatable: added, conditions };
  await node.client.updateStatus(nodes, { ...shown, status });
  await node.clock.advance(1_000);
  const { capacity, allocatable } = node.client.get(nodes, { name: NAME })!.status;
  assert.deepEqual(capacity, { ...MACHINE.capacity, "example.com/dongle": "4" });
  assert.equal(allocatable?.["example.com/dongle"], "4");
  assert.equal(allocatable?.["kubernetes.io/batteries"], undefined);
});

Deno.test("a lease that is gone is made again, with the node as its owner", async () => {
  await using node = await kept();
  await node.client.delete(leases, LEASE);
  await node.clock.advance(10_000);
  const lease = node.client.get(leases, LEASE)!;
  const { uid } = node.client.get(nodes, { name: NAME })!.metadata;
  assert.equal(lease.metadata.ownerReferences?.[0]?.uid, uid);
});

Deno.test("a full disk is the condition DiskPressure at once, in Kubernetes' words, and is told as an event", async () => {
  await using node = await kept();
  assert.equal(node.disk(), "False KubeletHasNoDiskPressure kubelet has no disk pressure");
  node.status.reportDisk({ isFull: true });
  await node.clock.advance(100);
  assert.equal(node.disk(), "True KubeletHasDiskPressure kubelet has disk pressure");
  node.status.reportDisk({ isFull: false });
  await node.clock.advance(100);
  assert.equal(node.disk(), "False KubeletHasNoDiskPressure kubelet has no disk pressure");
  assert.deepEqual(node.told, ["NodeReady", "NodeHasDiskPressure", "NodeHasNoDiskPressure"]);
});

Deno.test("a view that does not show what others write of the lease is told to be stale; the node knows its own renewals", async () => {
  await using node = await kept();
  await node.clock.advance(60_000);
  assert.equal(node.suspicions(), 0);
  node.freeze();
  await node.clock.advance(30_000);
  assert.equal(node.suspicions(), 0);
  const lease = node.client.get(leases, LEASE)!;
  await node.client.update(leases, { ...lease, spec: { ...lease.spec, leaseTransitions: 1 } });
  await node.clock.advance(30_000);
  assert.ok(node.suspicions() > 0);
});

Deno.test("a node at rest writes its lease alone, with images or without", async () => {
  await using node = await kept();
  const statuses = () => node.writes.filter((name) => name.includes("updateStatus")).length;
  const image = {
    ...{ id: "sha256:a", reference: "a:1", names: ["a:1"], sizeBytes: 1, isUsed: true },
  };
  const nameless = { ...image, id: "of-before", names: [] }; // another image has taken its name over
  for (const images of [[], [image], [nameless], [image, nameless], []]) {
    node.status.reportImages(images);
    await node.clock.advance(11_000);
    const before = statuses();
    await node.clock.advance(60_000);
    assert.equal(statuses(), before, `${images.length} images`);
  }
  assert.equal(node.client.get(nodes, { name: NAME })!.status.images, undefined);
});

/** A node whose API can be out of reach, registered. */
async function kept({ comesTwice = false } = {}) {
  const { client, clock } = await freshObjects();
  const stop = new AbortController();
  const state = { isAway: false };
  let suspicions = 0;
  let frozen: Lease | undefined;
  const view = new Proxy(client, {
    get: (_, name) => {
      if (name === "get") return look;
      const member: unknown = Reflect.get(client, name);
      return typeof member === "function" ? member.bind(client) : member;
    },
  });
  const look: typeof client.get = (resource, name) =>
    (resource.plural === "leases" ? frozen : undefined) as never ?? client.get(resource, name);
  const told: string[] = [];
  const record = (_component: string, { reason }: { reason: string }) => void told.push(reason);
  const writes: string[] = [];
  const reached = <A extends unknown[], R>(act: (...args: A) => Promise<R>) => (...args: A) => {
    if (state.isAway) return Promise.reject(new LinkError("away"));
    writes.push(act.name);
    return act.apply(client, args);
  };
  const create = async (...args: Parameters<typeof client.create>) => {
    if (comesTwice && args[0].plural === "nodes") await client.create(...args);
    return await client.create(...args);
  };
  const remote = {
    create: reached(create),
    update: reached(client.update),
    updateStatus: reached(client.updateStatus),
  } as unknown as Client; // what the status uses of it
  const status = new NodeStatus({
    annotations: {},
    nodeName: NAME,
    hostIP: "192.0.2.1",
    podCIDR: undefined,
    labels: {},
    machine: MACHINE,
    runtimeVersion: "test://1",
    version: "v1.34.0",
    allocatable: allocatableOf(MACHINE),
    ...{
      client: remote,
      view,
      onStaleView: () => suspicions++,
      clock,
      log: silentLog(clock),
      events: { record },
    },
  });
  const running = status.run(stop.signal);
  status.report(undefined);
  await clock.advance(comesTwice ? 0 : 1_000);
  return {
    suspicions: () => suspicions,
    /** From now on the view shows the lease as it is now. */
    freeze: () => frozen = client.get(leases, LEASE),
    client,
    clock,
    status,
    told,
    writes,
    disk: () => {
      const { conditions } = client.get(nodes, { name: NAME })!.status;
      const { status, reason, message } = conditions!.find(({ type }) => type === "DiskPressure")!;
      return `${status} ${reason} ${message}`;
    },
    set isAway(isAway: boolean) {
      state.isAway = isAway;
    },
    renewed: () => client.get(leases, LEASE)!.spec.renewTime!,
    ready: () =>
      client.get(nodes, { name: NAME })!.status.conditions
        ?.find(({ type }) => type === "Ready")?.status,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running;
    },
  };
}
