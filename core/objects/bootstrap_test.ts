import assert from "node:assert/strict";
import { gatewayClasses } from "../resources/gateway_classes.ts";
import { namespaces } from "../resources/namespaces.ts";
import { type Service, services } from "../resources/services.ts";
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

Deno.test("a start of a cluster that exists changes nothing", async () => {
  const { objects } = await freshObjects();
  const { revision } = objects.store;
  await bootstrap(objects, { apiPort: 7443 });
  assert.equal(objects.store.revision, revision);
});
