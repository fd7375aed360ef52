import assert from "node:assert/strict";
import { freshObjects } from "../../core/objects/objects_fixture.ts";
import { pods } from "../../core/resources/core/pods/pods.ts";
import { services } from "../../core/resources/core/services/services.ts";
import { gateways } from "../../core/resources/gateway/gateways.ts";
import { ingresses } from "../../core/resources/networking/ingresses.ts";
import { CLUSTER_DNS } from "../../core/traffic/cluster_dns.ts";
import { hasTraffic, TrafficDemand } from "./traffic_demand.ts";

const metadata = { name: "web", namespace: "default" };
const serviceOf = (name: string, namespace: string) => ({
  metadata: { name, namespace },
  spec: { ports: [{ port: 80 }] },
});
const own = async () => {
  const { client } = await freshObjects();
  await client.create(services, serviceOf(CLUSTER_DNS.name, CLUSTER_DNS.namespace));
  return client;
};
type OwnClient = Awaited<ReturnType<typeof own>>;

const TRAFFIC: Record<string, (client: OwnClient) => Promise<unknown>> = {
  "a pod": (client) =>
    client.create(pods, { metadata, spec: { containers: [{ name: "main", image: "app:1" }] } }),
  "a Service": (client) => client.create(services, serviceOf("web", "default")),
  "a Service that has the name of the API's elsewhere": (client) =>
    client.create(services, serviceOf("kubernetes", "kube-system")),
  "a Service that has the name of cluster DNS elsewhere": (client) =>
    client.create(services, serviceOf(CLUSTER_DNS.name, "default")),
  "a Gateway": (client) =>
    client.create(gateways, {
      metadata,
      spec: {
        gatewayClassName: "coracle",
        listeners: [{ name: "http", port: 80, protocol: "HTTP" }],
      },
    }),
  "an Ingress": (client) =>
    client.create(ingresses, {
      metadata,
      spec: { defaultBackend: { service: { name: "web", port: { number: 80 } } } },
    }),
};

Deno.test("a cluster that has just begun has no traffic", async () => {
  const client = await own();
  assert.equal(client.list(services).length, 2);
  assert.ok(!hasTraffic(client));
  using demand = new TrafficDemand(client);
  assert.ok(!demand.isThere);
});

for (const [name, create] of Object.entries(TRAFFIC)) {
  Deno.test(`${name} is traffic: before it is looked for, and when it comes`, async () => {
    const client = await own();
    using demand = new TrafficDemand(client);
    const waiting = demand.wait(new AbortController().signal);
    await create(client);
    assert.ok(demand.isThere);
    await waiting;
    assert.ok(hasTraffic(client));
    using later = new TrafficDemand(client);
    assert.ok(later.isThere);
    await later.wait(new AbortController().signal);
  });
}

Deno.test("who stops does not wait for traffic, and has none", async () => {
  using demand = new TrafficDemand(await own());
  const stop = new AbortController();
  const waiting = demand.wait(stop.signal);
  stop.abort();
  await waiting;
  assert.ok(!demand.isThere);
});

Deno.test("traffic that was there once is taken to be there for ever", async () => {
  const client = await own();
  using demand = new TrafficDemand(client);
  await client.create(services, serviceOf("web", "default"));
  await client.delete(services, metadata);
  assert.ok(!hasTraffic(client));
  assert.ok(demand.isThere);
});
