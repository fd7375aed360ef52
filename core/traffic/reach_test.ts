import assert from "node:assert/strict";
import type { Node } from "../resources/core/nodes/nodes.ts";
import { neighboursOf, reachOf, REMOTE_ADDRESS, type Way } from "./reach.ts";

interface Facts {
  address?: string;
  podCIDR?: string;
  remote?: string;
  ready?: "True" | "False" | "Unknown";
}

function node(name: string, { address, podCIDR, remote, ready }: Facts): Node {
  return {
    metadata: { name, ...(remote && { annotations: { [REMOTE_ADDRESS]: remote } }) },
    spec: { ...(podCIDR && { podCIDR }) },
    status: {
      addresses: address ? [{ type: "InternalIP", address }] : [],
      ...(ready && { conditions: [{ type: "Ready", status: ready }] }),
    },
  } as unknown as Node; // the rest is not looked at
}

const SELF = { address: "192.168.1.2", podCIDR: "10.42.0.0/24", remote: "198.51.100.1" };

Deno.test("a node's place: by its address, and by the router that it is behind", () => {
  const rows: [facts: Facts, place: string][] = [
    [{ address: "192.168.1.2", remote: "198.51.100.1" }, "machine"],
    [{ address: "192.168.1.3", remote: "198.51.100.1" }, "network"],
    [{ address: "192.168.1.2", remote: "198.51.100.2" }, "elsewhere"], // the same private address
    [{ address: "192.168.1.3", remote: "198.51.100.2" }, "elsewhere"],
    [{ address: "192.168.1.3" }, "elsewhere"],
    [{ remote: "198.51.100.1" }, "network"],
  ];
  for (const [facts, place] of rows) {
    const [other] = neighboursOf([node("self", SELF), node("other", facts)], "self");
    assert.equal(other!.place, place, JSON.stringify(facts));
  }
  assert.deepEqual(neighboursOf([node("self", SELF)], "self"), []);
});

Deno.test("a range that is valid on one machine only is nobody's to route to", () => {
  const ranges = ["10.42.1.0/24", "127.42.0.0/24", undefined, "fd00::/64"];
  const cidrs = ranges.map((podCIDR) =>
    neighboursOf([node("self", SELF), node("o", { ...SELF, ...podCIDR && { podCIDR } })], "self")
  ).map(([other]) => other!.cidr);
  assert.deepEqual(cidrs, ["10.42.1.0/24", undefined, "10.42.0.0/24", undefined]);
});

Deno.test("a route is taken before a tunnel, and neither is none", () => {
  const net = { address: "192.168.1.3", podCIDR: "10.42.1.0/24", remote: "198.51.100.1" };
  const rows: [facts: Facts, routed: string[], tunnels: string[], way: Way][] = [
    [net, ["10.42.1.0/24"], ["other"], "route"],
    [net, [], ["other"], "tunnel"],
    [net, [], [], "none"],
    [{ ...net, remote: "203.0.113.9" }, ["10.42.1.0/24"], ["other"], "tunnel"],
    [{ ...net, remote: "203.0.113.9" }, ["10.42.1.0/24"], [], "none"],
    [{ ...net, ready: "Unknown" }, [], ["other"], "none"],
    [{ ...net, ready: "False" }, [], ["other"], "tunnel"],
    [{ ...net, ready: "Unknown" }, ["10.42.1.0/24"], ["other"], "route"], // the server knows less
    [{ ...net, address: SELF.address }, [], [], "route"], // on this machine
    [{ ...net, podCIDR: "127.42.0.0/24" }, ["127.42.0.0/24"], ["other"], "tunnel"],
  ];
  for (const [facts, routed, tunnels, way] of rows) {
    const reach = reachOf({
      neighbours: neighboursOf([node("self", SELF), node("other", facts)], "self"),
      routed: new Set(routed),
      hasTunnelTo: (name) => tunnels.includes(name),
      carried: new Set(),
      toServer: "none",
    });
    assert.equal(reach.wayTo("other"), way, JSON.stringify([facts, routed, tunnels]));
    assert.deepEqual([reach.wayTo("self"), reach.wayTo("unknown"), reach.toServer], [
      ...["route", "route", "none"],
    ]);
  }
});

Deno.test("datagrams go by routes, and through a tunnel only where packets are carried", () => {
  const facts = { address: "192.168.1.3", podCIDR: "10.42.1.0/24", remote: "203.0.113.9" };
  const by = (tunnels: string[], carried: string[]) =>
    reachOf({
      neighbours: neighboursOf([node("self", SELF), node("other", facts)], "self"),
      ...{ routed: new Set(), carried: new Set(carried), toServer: "none" },
      hasTunnelTo: (name) => tunnels.includes(name),
    }).datagramsTo("other");
  assert.deepEqual([by(["other"], []), by(["other"], ["10.42.1.0/24"]), by([], ["10.42.1.0/24"])], [
    ...["none", "route", "none"],
  ]);
});
