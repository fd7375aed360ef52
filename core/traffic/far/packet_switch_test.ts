import assert from "node:assert/strict";
import { TestCluster } from "../../controllers/test_cluster.ts";
import { parseIpv4 } from "../../lib/addresses/ipv4.ts";
import { nodes } from "../../resources/core/nodes/nodes.ts";
import { PacketSwitch } from "./packet_switch.ts";

function packet(from: string, to: string, version = 4): Uint8Array {
  const bytes = new Uint8Array(28), view = new DataView(bytes.buffer);
  bytes[0] = version << 4 | 5;
  view.setUint32(12, parseIpv4(from)!);
  view.setUint32(16, parseIpv4(to)!);
  return bytes;
}

function switching() {
  const view = new TestCluster();
  const node = (name: string, podCIDR: string) =>
    view.put(nodes, { metadata: { name }, spec: { podCIDR } });
  node("a", "10.42.1.0/24");
  node("b", "10.42.2.0/24");
  node("wide", "10.43.0.0/16");
  node("loopback", "127.42.0.0/24");
  const packets = new PacketSwitch(view), got: string[] = [];
  packets.follow();
  const connect = (name: string) => packets.connect(name, () => void got.push(name));
  return { packets, got, connect, node };
}

Deno.test("packets go from a node's own pods to those of another node, and nowhere else", () => {
  const rows: [from: string, to: string, got: string[], version?: number][] = [
    ["10.42.1.5", "10.42.2.5", ["b"]],
    ["10.42.1.1", "10.42.2.1", ["b"]],
    ["10.42.1.5", "10.43.200.9", ["wide"]],
    ["10.42.2.5", "10.42.2.6", []], // as a pod of another
    ["10.42.9.5", "10.42.2.5", []],
    ["192.0.2.1", "10.42.2.5", []],
    ["127.0.0.1", "10.42.2.5", []],
    ["10.42.1.5", "10.42.1.6", []], // its own
    ["10.42.1.5", "127.0.0.1", []],
    ["10.42.1.5", "127.42.0.5", []],
    ["10.42.1.5", "169.254.169.254", []],
    ["10.42.1.5", "192.0.2.1", []],
    ["10.42.1.5", "10.42.2.5", [], 6],
  ];
  for (const [from, to, expected, version] of rows) {
    const { packets, got, connect } = switching();
    const port = connect("a");
    for (const name of ["b", "wide", "loopback"]) connect(name);
    port.take(packet(from, to, version));
    assert.deepEqual(got, expected, `${from} ${to}`);
    assert.equal(packets.refused, expected.length === 0 ? 1 : 0);
    port.take(packet(from, to).subarray(0, 19));
    assert.deepEqual(got, expected);
  }
});

Deno.test("a newer connection takes the place of the older; a node that has gone, or moved its range, gets nothing", () => {
  const { got, connect, node } = switching();
  const old = connect("a"), port = connect("a"), b = connect("b");
  old.take(packet("10.42.1.5", "10.42.2.5"));
  assert.deepEqual(got, []);
  old.close();
  port.take(packet("10.42.1.5", "10.42.2.5"));
  assert.deepEqual(got, ["b"]);
  node("b", "10.42.3.0/24");
  port.take(packet("10.42.1.5", "10.42.2.5"));
  port.take(packet("10.42.1.5", "10.42.3.5"));
  assert.deepEqual(got, ["b", "b"]);
  b.close();
  port.take(packet("10.42.1.5", "10.42.3.5"));
  assert.deepEqual(got, ["b", "b"]);
});
