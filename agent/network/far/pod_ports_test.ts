import assert from "node:assert/strict";
import { TestCluster } from "../../../core/controllers/test_cluster.ts";
import { tunnelPair } from "../../../core/client/tunnel/tunnel_fixture.ts";
import { SystemClock } from "../../../core/lib/clock.ts";
import { pods } from "../../../core/resources/core/pods/pods.ts";
import { podPorts } from "./pod_ports.ts";

Deno.test("a node connects to ports of its own pods, at the addresses that it has given them", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr, clock = new SystemClock();
  const view = new TestCluster();
  const spec = { containers: [{ name: "c", image: "i", ports: [{ containerPort: port }] }] };
  for (const [name, nodeName] of [["host", "edge"], ["foreign", "other"]]) {
    view.put(pods, {
      metadata: { name: name!, uid: `uid-${name}` },
      spec: { ...spec, nodeName, hostNetwork: true },
      status: { hostIP: "127.0.0.1", podIP: "127.0.0.1" },
    });
  }
  const network = {
    list: () => Promise.resolve([{ podUid: "uid-web", ip: "127.0.0.1" }]),
  };
  const kind = podPorts({ nodeName: "edge", view, network, clock });
  const pair = tunnelPair({ clock, ofNode: [kind] });
  const answer = async (head: object) => {
    const stream = pair.server.open({ kind: "tcp", ...head });
    stream.end();
    const all: number[] = [];
    for await (const bytes of stream.bytes) all.push(...bytes);
    return all;
  };
  const accepting = (async () => {
    for await (const connection of listener) {
      await connection.write(Uint8Array.of(7));
      connection.close();
    }
  })();
  const web = { node: "edge", address: "127.0.0.1", port };
  for (const uid of ["uid-web", "uid-host", undefined]) {
    assert.deepEqual(await answer({ ...web, ...(uid && { uid }) }), [0, 7]);
  }
  const rows: [head: object, reason: RegExp][] = [
    [{ ...web, uid: "uid-gone" }, /unreachable: no pod has 127\.0\.0\.1 on node "edge"/],
    [{ ...web, uid: "uid-foreign" }, /unreachable: no pod/],
    [{ ...web, node: "other" }, /unreachable: no pod/],
    [{ ...web, address: "127.0.0.9" }, /unreachable: no pod/],
    [{ ...web, address: "169.254.169.254" }, /unreachable: no pod/],
    [{ ...web, uid: "uid-host", port: 1 }, /unreachable: .*does not declare port 1/],
    [
      { ...web, uid: "uid-web", port: 1 },
      /refused: dial tcp 127\.0\.0\.1:1: connect: connection refused/,
    ],
    [{ address: "127.0.0.1" }, /names no port of a pod/],
  ];
  for (const [head, reason] of rows) {
    await assert.rejects(answer(head), reason, JSON.stringify(head));
  }
  listener.close();
  await accepting;
  pair.node.close("the test ends");
});
