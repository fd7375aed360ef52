import assert from "node:assert/strict";
import { nodes } from "../../resources/core/nodes/nodes.ts";
import { REMOTE_ADDRESS } from "../../traffic/reach.ts";
import { TestCluster } from "../test_cluster.ts";
import { remoteAddressController } from "./remote_addresses.ts";

Deno.test("a node whose tunnel comes from another address than its own is behind a router", () => {
  const rows: [from: string | undefined, before: string | undefined, after: string | undefined][] =
    [
      ["192.168.1.2", undefined, undefined],
      ["192.168.1.2", "198.51.100.1", undefined],
      ["::ffff:192.168.1.2", undefined, undefined],
      ["198.51.100.1", undefined, "198.51.100.1"],
      ["198.51.100.2", "198.51.100.1", "198.51.100.2"],
      ["127.0.0.1", undefined, undefined],
      ["::1", "198.51.100.1", undefined],
      ["2001:db8::7", undefined, "2001:db8::7"],
      [undefined, undefined, undefined],
      [undefined, "198.51.100.1", "198.51.100.1"], // not connected: as it was
    ];
  for (const [from, before, after] of rows) {
    const cluster = new TestCluster();
    cluster.put(nodes, {
      metadata: {
        name: "edge",
        annotations: { a: "b", ...(before && { [REMOTE_ADDRESS]: before }) },
      },
      status: { addresses: [{ type: "InternalIP", address: "192.168.1.2" }] },
    });
    const tunnels = { remoteAddressOf: () => from, onChange: () => () => {} };
    cluster.settle([remoteAddressController(tunnels)]);
    const { annotations } = cluster.get(nodes, { name: "edge" })!.metadata;
    assert.deepEqual(annotations, { a: "b", ...(after && { [REMOTE_ADDRESS]: after }) });
  }
});
