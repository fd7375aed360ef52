import assert from "node:assert/strict";
import {
  type Cluster,
  clusterText,
  type Guarded,
  NO_CLUSTER,
  type Packet,
  tableText,
  verdictOn,
} from "./firewall_rules.ts";

const GUARDED: Guarded = {
  table: "cora0",
  group: 7,
  hasFib: true,
  podCIDR: "10.42.0.0/24",
  serviceCIDR: "10.96.0.0/16",
};
const CLUSTER: Cluster = {
  machine: ["10.42.1.0/24"],
  elsewhere: ["10.42.2.0/24"],
  nodes: ["192.0.2.9"],
  far: ["10.42.3.0/24"],
};
const POD: Packet = {
  by: "pod",
  from: "10.42.0.5",
  to: "198.51.100.7",
  hasWayBack: true,
  isPartOfConnection: false,
};
const LAN: Packet = {
  by: "other",
  from: "192.0.2.66",
  to: "192.0.2.1",
  hasWayBack: true,
  isPartOfConnection: false,
};

const TABLE: readonly (readonly [what: string, packet: Packet, then: "accept" | "drop"])[] = [
  ["a pod to the outside", POD, "accept"],
  ["a pod to a service", { ...POD, to: "10.96.0.1" }, "accept"],
  ["a pod to another", { ...POD, to: "10.42.0.6" }, "accept"],
  ["a pod to the node", { ...POD, to: "192.0.2.1" }, "accept"],
  ["a pod as another", { ...POD, from: "10.42.0.6", hasWayBack: false }, "drop"],
  ["a pod as another, in a connection of that one", {
    ...POD,
    from: "10.42.0.6",
    hasWayBack: false,
    isPartOfConnection: true,
  }, "drop"],
  ["a pod to the node's loopback", { ...POD, to: "127.0.0.1" }, "drop"],
  ["a neighbour to the node", LAN, "accept"],
  ["a neighbour to a service", { ...LAN, to: "10.96.0.1" }, "drop"],
  ["a neighbour to a pod", { ...LAN, to: "10.42.0.5" }, "drop"],
  ["a neighbour to the pods' gateway", { ...LAN, to: "10.42.0.1" }, "drop"],
  ["a far pod to a pod", { ...LAN, from: "10.42.3.5", to: "10.42.0.5" }, "accept"],
  ["a far pod to the pods' gateway", { ...LAN, from: "10.42.3.5", to: "10.42.0.1" }, "drop"],
  ["a far pod to a service", { ...LAN, from: "10.42.3.5", to: "10.96.0.1" }, "drop"],
  ["a far pod that answers the node", {
    ...{ ...LAN, from: "10.42.3.5", to: "10.42.0.1" },
    isPartOfConnection: true,
  }, "accept"],
  ["a neighbour as a far pod", {
    ...{ ...LAN, from: "10.42.3.5", to: "10.42.0.5" },
    hasWayBack: false,
  }, "drop"],
  ["a neighbour as a pod of this node", {
    ...LAN,
    from: "10.42.0.5",
    to: "10.42.0.6",
    hasWayBack: false,
  }, "drop"],
  ["a neighbour as a pod of this machine, to a service", {
    ...LAN,
    from: "10.42.1.5",
    to: "10.96.0.1",
    hasWayBack: false,
  }, "drop"],
  ["a neighbour's answer to a pod, or an error on its way", {
    ...LAN,
    to: "10.42.0.5",
    isPartOfConnection: true,
  }, "accept"],
  ["a pod of another node to a pod", { ...LAN, from: "10.42.2.5", to: "10.42.0.5" }, "accept"],
  ["another node to a pod", { ...LAN, from: "192.0.2.9", to: "10.42.0.5" }, "accept"],
  ["another node to a service of this one", { ...LAN, from: "192.0.2.9", to: "10.96.0.1" }, "drop"],
  ["a pod of another node to a service of this one", {
    ...LAN,
    from: "10.42.2.5",
    to: "10.96.0.1",
  }, "drop"],
  ["a pod of a second node on this machine to a pod", {
    ...LAN,
    from: "10.42.1.5",
    to: "10.42.0.5",
  }, "accept"],
  ["a pod of a second node on this machine to a service", {
    ...LAN,
    from: "10.42.1.5",
    to: "10.96.0.1",
  }, "accept"],
  ["a pod of another cluster on this machine to a pod", {
    ...LAN,
    from: "10.77.0.5",
    to: "10.42.0.5",
  }, "drop"],
  [
    "the node to a service",
    { ...LAN, by: "loopback", from: "10.96.0.1", to: "10.96.0.1" },
    "accept",
  ],
];

for (const [what, packet, then] of TABLE) {
  Deno.test(`${what}: ${then}`, () => {
    assert.equal(verdictOn(packet, GUARDED, CLUSTER), then);
  });
}

Deno.test("a node that is alone lets nobody else in", () => {
  const packet: Packet = { ...LAN, from: "10.42.2.5", to: "10.42.0.5" };
  assert.equal(verdictOn(packet, GUARDED, NO_CLUSTER), "drop");
});

Deno.test("without nft_fib_ipv4 neighbours are kept out all the same", () => {
  const guarded = { ...GUARDED, hasFib: false };
  for (const to of ["10.96.0.1", "10.42.0.5"]) {
    assert.equal(verdictOn({ ...LAN, to }, guarded, CLUSTER), "drop");
  }
  assert.ok(!tableText(guarded).includes("fib"));
});

Deno.test("the table says what the rules say, and leaves its sets as they are", () => {
  assert.equal(
    tableText(GUARDED),
    `add table ip cora0
add set ip cora0 cluster { type ipv4_addr; flags interval; auto-merge; }
add set ip cora0 machine { type ipv4_addr; flags interval; auto-merge; }
add set ip cora0 elsewhere { type ipv4_addr; flags interval; auto-merge; }
add set ip cora0 far { type ipv4_addr; flags interval; auto-merge; }
add chain ip cora0 postrouting { type nat hook postrouting priority srcnat; policy accept; }
flush chain ip cora0 postrouting
add rule ip cora0 postrouting ip saddr 10.42.0.0/24 ip daddr != { 10.42.0.0/24, 10.96.0.0/16 } ip daddr != @cluster masquerade
add chain ip cora0 inbound { type filter hook prerouting priority mangle; policy accept; }
flush chain ip cora0 inbound
add rule ip cora0 inbound iifname "lo" accept
add rule ip cora0 inbound meta iifgroup 7 fib saddr . iif oif missing drop
add rule ip cora0 inbound meta iifgroup 7 ip daddr { 127.0.0.0/8 } drop
add rule ip cora0 inbound meta iifgroup 7 accept
add rule ip cora0 inbound ip daddr != { 10.42.0.0/24, 10.96.0.0/16 } accept
add rule ip cora0 inbound ct state established,related accept
add rule ip cora0 inbound ip saddr { 10.42.0.0/24 } fib saddr . iif oif exists accept
add rule ip cora0 inbound ip saddr @machine fib saddr . iif oif exists accept
add rule ip cora0 inbound ip daddr { 10.42.0.0/24 } ip saddr @elsewhere accept
add rule ip cora0 inbound ip daddr { 10.42.0.0/24 } ip daddr != { 10.42.0.1/32 } ip saddr @far fib saddr . iif oif exists accept
add rule ip cora0 inbound drop
`,
  );
});

Deno.test("the sets are changed as a whole", () => {
  assert.equal(
    clusterText(GUARDED, { ...CLUSTER, machine: [] }),
    `flush set ip cora0 cluster
add element ip cora0 cluster { 10.42.2.0/24, 10.42.3.0/24 }
flush set ip cora0 machine
flush set ip cora0 elsewhere
add element ip cora0 elsewhere { 10.42.2.0/24, 192.0.2.9 }
flush set ip cora0 far
add element ip cora0 far { 10.42.3.0/24 }
`,
  );
});
