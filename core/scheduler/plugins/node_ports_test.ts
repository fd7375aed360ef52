import assert from "node:assert/strict";
import { nodePorts } from "./node_ports.ts";
import { nodeOf, NodeUnderTest, podOf } from "./plugin_fixture.ts";

const REFUSAL = {
  reasons: ["node(s) didn't have free ports for the requested pod ports"],
  preemptionMayHelp: true,
};

interface Port {
  hostPort?: number;
  protocol?: string;
  hostIP?: string;
}

function listening(...ports: Port[]) {
  const container = {
    name: "a",
    ports: ports.map((port) => ({ containerPort: 80, protocol: "TCP", ...port })),
  };
  return podOf({ containers: [container] });
}

Deno.test("the plugin has no opinion on a pod without host ports", () => {
  const here = new NodeUnderTest(nodePorts, nodeOf());
  assert.equal(here.refusal(podOf({ containers: [{ name: "a" }] })), "no opinion");
  assert.equal(here.refusal(listening({})), "no opinion");
  assert.equal(here.refusal(listening({ hostPort: 0 })), "no opinion");
  assert.equal(here.refusal(listening({ hostPort: 80 })), undefined);
});

Deno.test("a host port is used once for each protocol and address", () => {
  const rows: [used: Port, wanted: Port, fits: boolean][] = [
    [{ hostPort: 80 }, { hostPort: 80 }, false],
    [{ hostPort: 80 }, { hostPort: 81 }, true],
    [{ hostPort: 80 }, { hostPort: 80, protocol: "UDP" }, true],
    [{ hostPort: 80 }, { hostPort: 80, hostIP: "1.1.1.1" }, false],
    [{ hostPort: 80, hostIP: "1.1.1.1" }, { hostPort: 80 }, false],
    [{ hostPort: 80, hostIP: "1.1.1.1" }, { hostPort: 80, hostIP: "1.1.1.1" }, false],
    [{ hostPort: 80, hostIP: "1.1.1.1" }, { hostPort: 80, hostIP: "2.2.2.2" }, true],
    [{ hostPort: 80, hostIP: "" }, { hostPort: 80, hostIP: "2.2.2.2" }, false],
  ];
  for (const [used, wanted, fits] of rows) {
    const here = new NodeUnderTest(nodePorts, nodeOf(), [listening({ hostPort: 1 }, used)]);
    const title = JSON.stringify([used, wanted]);
    const found = here.refusal(listening({ hostPort: 2 }, wanted));
    assert.deepEqual(found, fits ? undefined : REFUSAL, title);
  }
});

Deno.test("sidecars use host ports too", () => {
  const ports = [{ containerPort: 80, hostPort: 80, protocol: "TCP" }];
  const withInit = (more: object) => podOf({ initContainers: [{ name: "b", ports, ...more }] });
  for (const [more, fits] of [[{ restartPolicy: "Always" }, false], [{}, true]] as const) {
    const here = new NodeUnderTest(nodePorts, nodeOf(), [withInit(more)]);
    assert.deepEqual(here.refusal(listening({ hostPort: 80 })), fits ? undefined : REFUSAL);
  }
});

Deno.test("a pod that leaves frees its own host ports and no others", () => {
  const all: Port[] = [
    { hostPort: 80 },
    { hostPort: 81 },
    { hostPort: 80, protocol: "UDP" },
    { hostPort: 82, hostIP: "1.1.1.1" },
    { hostPort: 82, hostIP: "2.2.2.2" },
  ];
  for (const [index, gone] of all.entries()) {
    const pods = all.map((port) => listening(port));
    const here = new NodeUnderTest(nodePorts, nodeOf(), pods);
    here.remove(pods[index]!);
    for (const port of all) {
      const wanted = port === gone ? undefined : REFUSAL;
      assert.deepEqual(here.refusal(listening(port)), wanted, JSON.stringify([gone, port]));
    }
  }
});
