import assert from "node:assert/strict";
import { services } from "../../resources/core/services/services.ts";
import { ipAddresses, type IpAddressObject } from "../../resources/networking/ip_addresses.ts";
import { TestCluster } from "../test_cluster.ts";
import { serviceIpAddressController } from "./service_ip_addresses.ts";

const LABELS = {
  "ipaddress.kubernetes.io/ip-family": "IPv4",
  "ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io",
};

function service(cluster: TestCluster, name: string, clusterIP: string, type = "ClusterIP"): void {
  const { uid } = cluster.get(services, { namespace: "default", name })?.metadata ?? {};
  const clusterIPs = type === "ExternalName" ? undefined : [clusterIP];
  cluster.put(services, {
    metadata: { name, ...(uid && { uid }) },
    spec: { type, ports: [{ port: 80 }], ...(clusterIPs && { clusterIP, clusterIPs }) },
  });
}

function address(cluster: TestCluster, name: string, parent: object, labels = {}): void {
  cluster.put(ipAddresses, { metadata: { name, labels }, spec: { parentRef: parent as never } });
}

function shown(cluster: TestCluster): string[] {
  cluster.settle([serviceIpAddressController]);
  return (cluster.list(ipAddresses) as readonly IpAddressObject[]).map(({ metadata, spec }) =>
    `${metadata.name} ${spec.parentRef?.resource}/${spec.parentRef?.name}`
  ).sort();
}

const parent = (name: string) => ({ resource: "services", namespace: "default", name });

Deno.test("each address of a Service has an IPAddress as Kubernetes makes it, while the Service has it", () => {
  const cluster = new TestCluster();
  service(cluster, "web", "10.96.0.9");
  service(cluster, "headless", "None");
  service(cluster, "away", "", "ExternalName");
  assert.deepEqual(shown(cluster), ["10.96.0.9 services/web"]);
  const [made] = cluster.list(ipAddresses) as readonly IpAddressObject[];
  assert.deepEqual(made!.metadata.labels, LABELS);
  assert.deepEqual(made!.spec.parentRef, parent("web"));
  service(cluster, "web", "", "ExternalName");
  assert.deepEqual(shown(cluster), []);
  service(cluster, "web", "10.96.0.10");
  assert.deepEqual(shown(cluster), ["10.96.0.10 services/web"]);
  cluster.take(services, { namespace: "default", name: "web" });
  assert.deepEqual(shown(cluster), []);
});

Deno.test("one that is gone, names another or lacks its labels is made anew; what users keep is left alone", () => {
  const cluster = new TestCluster();
  service(cluster, "web", "10.96.0.9");
  shown(cluster);
  cluster.take(ipAddresses, { name: "10.96.0.9" });
  assert.deepEqual(shown(cluster), ["10.96.0.9 services/web"]);
  address(cluster, "10.96.0.20", { resource: "gateways", group: "example.com", name: "own" });
  address(cluster, "10.96.0.21", parent("nobody"));
  address(cluster, "10.96.0.22", parent("gone"), LABELS);
  address(cluster, "10.96.0.23", parent("nobody"));
  service(cluster, "two", "10.96.0.23");
  assert.deepEqual(shown(cluster), [
    "10.96.0.20 gateways/own",
    "10.96.0.21 services/nobody",
    "10.96.0.23 services/two",
    "10.96.0.9 services/web",
  ]);
});

Deno.test("an address that two Services have stays with the first", () => {
  const cluster = new TestCluster();
  service(cluster, "one", "10.96.0.9");
  shown(cluster);
  service(cluster, "two", "10.96.0.9");
  assert.deepEqual(shown(cluster), ["10.96.0.9 services/one"]);
});
