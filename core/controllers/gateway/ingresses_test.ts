import assert from "node:assert/strict";
import { nodes } from "../../resources/core/nodes/nodes.ts";
import { ingressClasses } from "../../resources/networking/ingress_classes.ts";
import { ingresses } from "../../resources/networking/ingresses.ts";
import { TestCluster } from "../test_cluster.ts";
import { ingressController } from "./ingresses.ts";

Deno.test("an Ingress of ours says where it is served; one of others is theirs", () => {
  const cluster = new TestCluster();
  for (
    const [name, controller] of [["coracle", "coracle.dev/ingress-controller"], ["x", "a.b/c"]]
  ) {
    cluster.put(ingressClasses, { metadata: { name: name! }, spec: { controller } });
  }
  for (const name of ["coracle", "x"]) {
    cluster.put(ingresses, {
      metadata: { name },
      spec: { ingressClassName: name },
      status: { loadBalancer: { ingress: [{ ip: "192.0.2.9" }] } },
    });
  }
  const addressesOf = (name: string) =>
    cluster.get(ingresses, { namespace: "default", name })!.status.loadBalancer.ingress
      ?.map(({ ip }) => ip);
  const controller = ingressController({ address: "0.0.0.0" });
  cluster.settle([controller]);
  assert.deepEqual([addressesOf("coracle"), addressesOf("x")], [undefined, ["192.0.2.9"]]);
  const status = { addresses: [{ type: "InternalIP", address: "192.0.2.1" }] };
  cluster.put(nodes, { metadata: { name: "n1" }, status });
  cluster.settle([controller]);
  assert.deepEqual([addressesOf("coracle"), addressesOf("x")], [["192.0.2.1"], ["192.0.2.9"]]);
});
