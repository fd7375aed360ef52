import assert from "node:assert/strict";
import { Random } from "../../../lib/random.ts";
import { RESOURCES } from "../../../resources/mod.ts";
import { type Service, services } from "../../../resources/core/services/services.ts";
import { VirtualClock } from "../../../lib/virtual_clock.ts";
import { MemoryJournal } from "../../../store/memory_journal.ts";
import { MemoryStore } from "../../../store/memory_store.ts";
import { bootstrap } from "../../../objects/bootstrap.ts";
import { Objects } from "../../../objects/objects.ts";

Deno.test("each Service gets an address of its own, also when many come at once", async () => {
  const objects = await cluster("10.0.0.0/24");
  const made = await Promise.all(Array.from({ length: 100 }, (_, i) => create(objects, `s${i}`)));
  const addresses = made.map(({ spec }) => spec.clusterIP!);
  assert.equal(new Set([...addresses, "10.0.0.1"]).size, 101);
  for (const address of addresses) assert.match(address, /^10\.0\.0\.\d+$/);
});

Deno.test("a range is given out to its last address, and what is given back is given out again", async () => {
  const objects = await cluster("10.0.0.0/29");
  for (const name of ["a", "b", "c", "d", "e"]) await create(objects, name);
  const used = objects.list(services).map(({ object }) => (object as Service).spec.clusterIP)
    .sort();
  assert.deepEqual(used, ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5", "10.0.0.6"]);
  await assert.rejects(create(objects, "f"), /failed to allocate a serviceIP: range is full/);
  await objects.delete(services, { namespace: "default", name: "c" });
  await create(objects, "f");
});

Deno.test("a refused Service gives back what it got", async () => {
  const objects = await cluster("10.0.0.0/29");
  for (let i = 0; i < 10; i++) {
    await create(objects, "x", { clusterIP: "10.0.0.5" }, { dryRun: true });
    await assert.rejects(create(objects, "x", { clusterIP: "10.0.0.3", type: "Nothing" }));
  }
  await create(objects, "x", { clusterIP: "10.0.0.3" });
});

Deno.test("addresses that cannot be had are refused in Kubernetes' words", async () => {
  const objects = await cluster("10.0.0.0/24");
  await create(objects, "a", { clusterIP: "10.0.0.9" });
  const range = "The range of valid IPs is 10.0.0.0/24";
  for (
    const [address, why] of [
      ["10.0.0.9", "provided IP is already allocated"],
      ["10.0.0.1", "provided IP is already allocated"],
      ["10.1.0.1", `the provided IP (10.1.0.1) is not in the valid range. ${range}`],
    ] as const
  ) {
    await assert.rejects(create(objects, "b", { clusterIP: address }), {
      message:
        `Service "b" is invalid: spec.clusterIPs: Invalid value: ["${address}"]: failed to allocate IP ${address}: ${why}`,
    });
  }
});

Deno.test("a headless Service and an external name get no address", async () => {
  const objects = await cluster("10.0.0.0/24");
  assert.equal((await create(objects, "a", { clusterIP: "None" })).spec.clusterIP, "None");
  const external = await create(objects, "b", {
    type: "ExternalName",
    externalName: "example.com",
    ports: [],
  });
  assert.equal(external.spec.clusterIP, undefined);
});

Deno.test("node ports are given out, kept by updates, and dropped with the type", async () => {
  const objects = await cluster("10.0.0.0/24");
  const made = await create(objects, "a", { type: "NodePort" });
  const { clusterIP, ports } = made.spec;
  const port = ports![0]!.nodePort!;
  assert.ok(port >= 30_000 && port <= 32_767);
  const name = { namespace: "default", name: "a" };
  const update = async (spec: object) =>
    (await objects.update(services, name, {
      metadata: name,
      spec: { ports: [{ port: 80 }], ...spec },
    })).object as Service;
  const kept = await update({ type: "NodePort" });
  assert.equal(kept.spec.clusterIP, clusterIP);
  assert.equal(kept.spec.ports![0]!.nodePort, port);
  const dropped = await update({ type: "ClusterIP" });
  assert.equal(dropped.spec.clusterIP, clusterIP);
  assert.equal(dropped.spec.ports![0]!.nodePort, undefined);
});

Deno.test("a Service that becomes a name elsewhere lets go of its address and its node ports", async () => {
  const objects = await cluster("10.0.0.0/24");
  await create(objects, "a", { type: "NodePort" });
  const name = { namespace: "default", name: "a" };
  const { object } = await objects.change(services, name, (current) => {
    const { clusterIP: _, clusterIPs: __, ...spec } = (current as Service).spec;
    return { ...current, spec: { ...spec, type: "ExternalName", externalName: "example.com" } };
  });
  const { spec } = object as Service;
  assert.equal(spec.clusterIP, undefined);
  assert.deepEqual(spec.ports?.map(({ nodePort }) => nodePort), [undefined]);
});

Deno.test("the lowest addresses are given out last: they are for those who ask for one", async () => {
  const objects = await cluster("10.0.0.0/26");
  const made = await Promise.all(Array.from({ length: 40 }, (_, i) => create(objects, `s${i}`)));
  const last = made.map(({ spec }) => Number(spec.clusterIP!.split(".")[3]));
  assert.ok(Math.min(...last) > 16, String(last));
  assert.equal(
    (await create(objects, "asks", { clusterIP: "10.0.0.10" })).spec.clusterIP,
    "10.0.0.10",
  );
  for (let i = 0; i < 20; i++) await create(objects, `t${i}`);
  assert.equal(objects.list(services).length, 62);
});

Deno.test("a load balancer whose traffic stays on its node has a port for its health, which stays", async () => {
  const objects = await cluster("10.0.0.0/24");
  const spec = { type: "LoadBalancer", externalTrafficPolicy: "Local" };
  const { healthCheckNodePort: port } = (await create(objects, "a", spec)).spec;
  assert.ok(port! >= 30_000 && port! <= 32_767);
  const name = { namespace: "default", name: "a" };
  const draft = { metadata: name, spec: { ...spec, ports: [{ port: 81 }] } };
  const updated = (await objects.update(services, name, draft)).object as Service;
  assert.equal(updated.spec.healthCheckNodePort, port);
  const taken = { type: "NodePort", ports: [{ port: 80, nodePort: port }] };
  await assert.rejects(create(objects, "b", taken), /provided port is already allocated/);
});

Deno.test("a node port stays with the name of its port, unless it is given to another", async () => {
  const objects = await cluster("10.0.0.0/24");
  const http = { name: "http", port: 80 };
  const made = await create(objects, "a", { type: "NodePort", ports: [http] });
  const { nodePort } = made.spec.ports![0]!;
  const name = { namespace: "default", name: "a" };
  const update = async (ports: object[]) => {
    const draft = { metadata: name, spec: { type: "NodePort", ports } };
    return ((await objects.update(services, name, draft)).object as Service).spec.ports!;
  };
  assert.equal((await update([{ ...http, port: 8080 }]))[0]!.nodePort, nodePort);
  const [first, second] = await update([http, { name: "https", port: 443, nodePort }]);
  assert.equal(second!.nodePort, nodePort);
  assert.notEqual(first!.nodePort, nodePort);
  assert.notEqual(first!.nodePort, undefined);
});

Deno.test("node ports that cannot be had are refused in Kubernetes' words", async () => {
  const objects = await cluster("10.0.0.0/24");
  const spec = (nodePort: number) => ({ type: "NodePort", ports: [{ port: 80, nodePort }] });
  await create(objects, "a", spec(30_080));
  const at = 'Service "b" is invalid: spec.ports[0].nodePort: Invalid value';
  await assert.rejects(create(objects, "b", spec(30_080)), {
    message: `${at}: 30080: provided port is already allocated`,
  });
  await assert.rejects(create(objects, "b", spec(80)), {
    message:
      `${at}: 80: provided port is not in the valid range. The range of valid ports is 30000-32767`,
  });
});

async function cluster(serviceCidr: string): Promise<Objects> {
  const store = await MemoryStore.open(new MemoryJournal(), { resources: RESOURCES });
  const objects = new Objects({
    store,
    clock: new VirtualClock(),
    random: new Random(7),
    serviceCidr,
  });
  await bootstrap(objects, { apiAddress: "127.0.0.1", apiPort: 6443 });
  return objects;
}

async function create(
  objects: Objects,
  name: string,
  spec: object = {},
  options: { dryRun?: boolean } = {},
): Promise<Service> {
  const draft = { metadata: { name }, spec: { ports: [{ port: 80 }], ...spec } };
  return (await objects.create(services, draft, options)).object as Service;
}
