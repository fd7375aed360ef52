import assert from "node:assert/strict";
import { apiServices } from "../../resources/apiregistration/api_services.ts";
import { deployments } from "../../resources/apps/deployments.ts";
import { MutableCatalog } from "../../resources/catalog.ts";
import { configMaps } from "../../resources/core/config_maps.ts";
import { services } from "../../resources/core/services/services.ts";
import { endpointSlices } from "../../resources/discovery/endpoint_slices.ts";
import { events } from "../../resources/events/events.ts";
import { defineResource } from "../../resources/resource.ts";
import { made, rowOf } from "../../resources/resource_fixture.ts";
import { TestCluster } from "../test_cluster.ts";
import { object } from "../../schema/schema.ts";
import { apiServiceController } from "./api_services.ts";

const toys = defineResource({
  group: "toys.example",
  version: "v1",
  kind: "Toy",
  plural: "toys",
  namespaced: true,
  schema: object("A toy.", {}),
});
const REMOTE = { namespace: "default", name: "metrics", port: 443 };

function started() {
  const cluster = new TestCluster();
  const catalog = new MutableCatalog([configMaps, deployments, events, services, endpointSlices]);
  const dirty = new Set<string>();
  const run = apiServiceController(catalog).start(cluster, (key) => dirty.add(key));
  const settle = () => {
    while (dirty.size > 0) {
      const [key] = dirty;
      dirty.delete(key!);
      cluster.perform(run.reconcile(key!, cluster.moment));
    }
  };
  const availability = (name: string) => {
    settle();
    const found = cluster.get(apiServices, { name });
    const { status, reason, message } = found?.status.conditions?.[0] ?? {};
    return found ? [status, reason, message] : undefined;
  };
  settle();
  return { cluster, catalog, availability };
}

Deno.test("there is an APIService for each group and version that is served, as long as it is", () => {
  const { cluster, catalog, availability } = started();
  const local = ["True", "Local", "Local APIServices are always available"];
  const names = () => cluster.list(apiServices).map(({ metadata }) => metadata.name);
  assert.deepEqual(names(), [
    "v1.",
    "v1.apps",
    "v1.authentication.k8s.io",
    "v1.authorization.k8s.io",
    "v1.discovery.k8s.io",
    "v1.events.k8s.io",
  ]);
  for (const name of names()) assert.deepEqual(availability(name), local);
  catalog.put(toys);
  assert.deepEqual(availability("v1.toys.example"), local);
  const { metadata, spec } = cluster.get(apiServices, { name: "v1.toys.example" })!;
  assert.equal(metadata.labels!["kube-aggregator.kubernetes.io/automanaged"], "true");
  assert.deepEqual([spec.groupPriorityMinimum, spec.versionPriority], [1000, 100]);
  catalog.remove("toys.toys.example");
  assert.equal(availability("v1.toys.example"), undefined);
  cluster.take(apiServices, { name: "v1.apps" });
  assert.deepEqual(availability("v1.apps"), local, "it comes back");
  const core = cluster.get(apiServices, { name: "v1." })!;
  assert.deepEqual(core.spec, { version: "v1", groupPriorityMinimum: 18000, versionPriority: 1 });
});

Deno.test("one that a Service serves is as available as the Service", () => {
  const { cluster, availability } = started();
  const spec = {
    group: "m.example",
    version: "v1",
    groupPriorityMinimum: 100,
    versionPriority: 100,
    service: REMOTE,
  };
  cluster.put(apiServices, { metadata: { name: "v1.m.example" }, spec });
  const name = "v1.m.example";
  assert.deepEqual(availability(name), [
    "False",
    "ServiceNotFound",
    'service/metrics in "default" is not present',
  ]);
  const ports = (port: number) => [{ name: "https", port, protocol: "TCP" }];
  cluster.put(services, { metadata: { name: "metrics" }, spec: { ports: ports(80) } });
  assert.deepEqual(availability(name)![1], "ServicePortError");
  cluster.put(services, { metadata: { name: "metrics" }, spec: { ports: ports(443) } });
  assert.deepEqual(availability(name), [
    "False",
    "MissingEndpoints",
    'endpointslices for service/metrics in "default" have no addresses with port name "https"',
  ]);
  cluster.put(endpointSlices, {
    metadata: { name: "metrics-1", labels: { "kubernetes.io/service-name": "metrics" } },
    addressType: "IPv4",
    endpoints: [{ addresses: ["10.1.0.1"], conditions: { ready: true } }],
    ports: ports(8443),
  });
  assert.deepEqual(availability(name), ["True", "Passed", "all checks passed"]);
  assert.equal(cluster.get(apiServices, { name })!.status.conditions!.length, 1);
});

const SPEC = { group: "a.example", version: "v1", groupPriorityMinimum: 1, versionPriority: 1 };
const REFUSED: readonly [change: object, causes: string[]][] = [
  [{}, []],
  [{ groupPriorityMinimum: 20000, versionPriority: 1000 }, []],
  [{ groupPriorityMinimum: 20001 }, [
    "spec.groupPriorityMinimum: Invalid value: 20001: must be positive and less than 20000",
  ]],
  [{ groupPriorityMinimum: 0 }, [
    "spec.groupPriorityMinimum: Invalid value: 0: must be positive and less than 20000",
  ]],
  [{ versionPriority: 1001 }, [
    "spec.versionPriority: Invalid value: 1001: must be positive and less than 1000",
  ]],
  [{ caBundle: btoa("x") }, [
    'spec.caBundle: Invalid value: "1 bytes": local APIServices may not have a caBundle',
  ]],
  [{ service: REMOTE, caBundle: btoa("x"), insecureSkipTLSVerify: true }, [
    "spec.insecureSkipTLSVerify: Invalid value: true: may not be true if caBundle is present",
  ]],
  [{ service: { port: 70000 } }, [
    "spec.service.namespace: Required value",
    "spec.service.name: Required value",
    "spec.service.port: Invalid value: 70000: port is not valid: must be between 1 and 65535, inclusive",
  ]],
];

Deno.test("what is wrong with an APIService is told in Kubernetes' words", () => {
  for (const [change, causes] of REFUSED) {
    const manifest = { metadata: { name: "v1.a.example" }, spec: { ...SPEC, ...change } };
    assert.deepEqual(made(apiServices, manifest).causes, causes);
  }
  const { causes, object } = made(apiServices, { metadata: { name: "a" }, spec: SPEC });
  assert.deepEqual(causes, [
    'metadata.name: Invalid value: "a": must be `spec.version+"."+spec.group`: "v1.a.example"',
  ]);
  const { Service, Available } = rowOf(apiServices, object);
  assert.deepEqual([Service, Available], ["Local", "Unknown"]);
});
