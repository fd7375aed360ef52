import assert from "node:assert/strict";
import { type EndpointSlice, endpointSlices } from "../resources/discovery/endpoint_slices.ts";
import { gatewayClasses } from "../resources/gateway/gateway_classes.ts";
import { namespaces } from "../resources/core/namespaces.ts";
import { type Service, services } from "../resources/core/services/services.ts";
import { type ServiceCidr, serviceCidrs } from "../resources/networking/service_cidrs.ts";
import { type PriorityClass, priorityClasses } from "../resources/scheduling/priority_classes.ts";
import { bootstrap } from "./bootstrap.ts";
import { freshObjects } from "./objects_fixture.ts";

Deno.test("a fresh cluster has its namespaces, the API's Service and a GatewayClass", async () => {
  const { objects } = await freshObjects();
  const names = objects.list(namespaces).map(({ key }) => key[2]);
  assert.deepEqual(names, ["default", "kube-node-lease", "kube-public", "kube-system"]);
  const service = objects.get(services, { namespace: "default", name: "kubernetes" })
    .object as Service;
  assert.equal(service.spec.clusterIP, "10.96.0.1");
  assert.equal(objects.get(gatewayClasses, { name: "coracle" }).key[2], "coracle");
});

Deno.test("a fresh cluster has the classes of the system, and says what range Services have", async () => {
  const { objects } = await freshObjects();
  assert.deepEqual(
    objects.list(priorityClasses).map(({ object }) => (object as PriorityClass).value),
    [2_000_000_000, 2_000_001_000],
  );
  const { spec, status } = objects.get(serviceCidrs, { name: "kubernetes" }).object as ServiceCidr;
  assert.deepEqual(spec, { cidrs: ["10.96.0.0/16"] });
  assert.deepEqual(status.conditions?.map(({ type, status }) => [type, status]), [
    ["Ready", "True"],
  ]);
});

Deno.test("a start of a cluster that exists changes nothing", async () => {
  const { objects } = await freshObjects();
  const { revision } = objects.store;
  await bootstrap(objects, { apiAddress: "127.0.0.1", apiPort: 6443 });
  assert.equal(objects.store.revision, revision);
});

Deno.test("the endpoints of the API follow it to another port", async () => {
  const { objects } = await freshObjects();
  await bootstrap(objects, { apiAddress: "127.0.0.1", apiPort: 7443 });
  const name = { namespace: "default", name: "kubernetes" };
  const slice = objects.get(endpointSlices, name).object as EndpointSlice;
  assert.deepEqual(slice.ports?.map(({ port }) => port), [7443]);
  assert.deepEqual(slice.endpoints.map(({ addresses }) => addresses), [["127.0.0.1"]]);
});

Deno.test("cluster DNS has a Service where it answers, once; one whose address is taken does not stop the start", async () => {
  const { objects } = await freshObjects();
  const name = { namespace: "kube-system", name: "kube-dns" };
  const options = { apiAddress: "127.0.0.1", apiPort: 6443 };
  assert.throws(() => objects.get(services, name));
  const taken = { metadata: { namespace: "default", name: "taken" } };
  const spec = { clusterIP: "10.96.0.10", ports: [{ port: 53 }] };
  await objects.create(services, { ...taken, spec });
  const warnings: string[] = [];
  const log = { warn: (text: string) => void warnings.push(text) };
  await bootstrap(objects, { ...options, dnsAddress: "10.96.0.10", log });
  assert.match(warnings[0]!, /another Service has its address/);
  await objects.delete(services, taken.metadata);
  await bootstrap(objects, { ...options, dnsAddress: "10.96.0.10", log });
  const dns = objects.get(services, name).object as Service;
  assert.equal(dns.spec.clusterIP, "10.96.0.10");
  assert.deepEqual(dns.spec.ports?.map(({ protocol, port }) => [protocol, port]), [
    ["UDP", 53],
    ["TCP", 53],
  ]);
});
