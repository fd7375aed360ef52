import assert from "node:assert/strict";
import { freshApi } from "../../core/api/api_fixture.ts";

const SLICES = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices";
const slice = (address: string) => ({
  apiVersion: "discovery.k8s.io/v1",
  kind: "EndpointSlice",
  metadata: {
    name: "web",
    namespace: "default",
    labels: {
      "kubernetes.io/service-name": "web",
      "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
    },
  },
  addressType: address.includes(":") ? "IPv6" : "IPv4",
  ports: [{ name: "", port: 6443, protocol: "TCP" }],
  endpoints: [{ addresses: [address] }],
});

Deno.test("the user of a namespace reaches no port of this machine or its link through a Service", async () => {
  const { ask } = await freshApi();
  const merge = { "content-type": "application/merge-patch+json" };
  for (
    const address of ["127.0.0.1", "169.254.169.254", "::1", "fe80::1", "0.0.0.0", "localhost"]
  ) {
    const ways = [
      ask("POST", SLICES, slice(address)),
      ask("PUT", "/apply", slice(address)),
    ];
    for (const answer of await Promise.all(ways)) {
      assert.equal(answer.status, 422, address);
      assert.match(await answer.text(), /may not be |must be a valid IPv4 address/);
    }
  }
  assert.equal((await ask("POST", SLICES, slice("10.0.0.1"))).status, 201);
  const moved = { endpoints: [{ addresses: ["127.0.0.1"] }] };
  assert.equal((await ask("PATCH", `${SLICES}/web`, moved, merge)).status, 422);
  assert.equal((await ask("PUT", `${SLICES}/web`, slice("127.0.0.1"))).status, 422);
  const kubernetes = { ports: [{ name: "https", port: 22, protocol: "TCP" }] };
  assert.equal((await ask("PATCH", `${SLICES}/kubernetes`, kubernetes, merge)).status, 422);
});
