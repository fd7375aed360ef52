import assert from "node:assert/strict";
import { TestCluster } from "../../../core/controllers/test_cluster.ts";
import { silentLog } from "../../../core/lib/log.ts";
import { VirtualClock } from "../../../core/lib/virtual_clock.ts";
import { configMaps } from "../../../core/resources/core/config_maps.ts";
import { namespaces } from "../../../core/resources/core/namespaces.ts";
import { services } from "../../../core/resources/core/services/services.ts";
import { endpointSlices } from "../../../core/resources/discovery/endpoint_slices.ts";
import type { NameChanges } from "./messages.ts";
import { runDns } from "./run_dns.ts";

Deno.test("what changes is told at once, what changes together at once, and nothing else", async () => {
  const cluster = new TestCluster();
  cluster.put(namespaces, { metadata: { name: "default" } });
  cluster.put(services, { metadata: { name: "web" }, spec: { clusterIP: "10.96.0.7" } });
  const told: NameChanges[] = [];
  let all = () => ({}) as NameChanges;
  const stop = new AbortController();
  const dns = {
    start: (given: () => NameChanges) => void (all = given),
    change: (changes: NameChanges) => void told.push(changes),
  };
  const log = silentLog(new VirtualClock(0));
  const running = runDns({ view: cluster, dns, log, signal: stop.signal });
  const summary = ({ services, namespaces, routes }: NameChanges) => ({
    services: services.map(([key, names]) => [key, names?.clusterIPs, names?.endpoints.length]),
    namespaces,
    routes,
  });
  assert.deepEqual(summary(all()), {
    services: [["default/web", ["10.96.0.7"], 0]],
    namespaces: [["default", true]],
    routes: [],
  });
  cluster.put(services, { metadata: { name: "db" }, spec: { clusterIP: "None" } });
  const labels = { "kubernetes.io/service-name": "db" };
  const endpoints = [{ addresses: ["10.42.0.5"] }];
  cluster.put(endpointSlices, {
    metadata: { name: "db-1", labels },
    addressType: "IPv4",
    endpoints,
    ports: [],
  });
  cluster.take(services, { namespace: "default", name: "web" });
  cluster.put(namespaces, { metadata: { name: "other" } });
  cluster.put(configMaps, { metadata: { name: "kube-dns" }, data: { stubDomains: "{}" } });
  await Promise.resolve();
  assert.deepEqual(told.splice(0).map(summary), [{
    services: [["default/db", [], 1], ["default/web", undefined, undefined]],
    namespaces: [["other", true]],
    routes: undefined,
  }]);
  const stubDomains = '{"a.b": ["192.0.2.1"]}';
  const metadata = { namespace: "kube-system", name: "kube-dns" };
  cluster.put(configMaps, { metadata, data: { stubDomains } });
  await Promise.resolve();
  assert.equal(told.splice(0)[0]!.routes?.length, 1);
  stop.abort();
  await running;
  cluster.take(services, { namespace: "default", name: "db" });
  await Promise.resolve();
  assert.deepEqual(told, []);
});
