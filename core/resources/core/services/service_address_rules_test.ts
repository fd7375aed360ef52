import assert from "node:assert/strict";
import { parseIpv4Range } from "../../../lib/addresses/ipv4.ts";
import { Random } from "../../../lib/random.ts";
import { VirtualClock } from "../../../lib/virtual_clock.ts";
import type { Cause } from "../../../schema/causes.ts";
import { ADDRESS_MANAGED_BY, ADDRESS_MANAGER, withServiceAddresses } from "./service_addresses.ts";
import type { ObjectMeta } from "../../../schema/metadata.ts";
import type { Service } from "./services.ts";

const KUBERNETES = { namespace: "default", name: "kubernetes" };
const TAKEN = /provided IP is already allocated/;
const OUTSIDE = /The range of valid IPs is 10\.0\.0\.0\/29/;
/** The address that is asked for, for whom, and why it cannot be had. */
const ADDRESSES: [string, Partial<Service["metadata"]>, RegExp | undefined][] = [
  ["10.0.0.0", {}, OUTSIDE],
  ["10.0.0.1", KUBERNETES, undefined],
  ["10.0.0.1", { ...KUBERNETES, namespace: "other" }, TAKEN],
  ["10.0.0.1", { ...KUBERNETES, name: "other" }, TAKEN],
  ["10.0.0.2", {}, undefined],
  ["10.0.0.3", {}, TAKEN],
  ["10.0.0.4", {}, TAKEN],
  ["10.0.0.6", {}, undefined],
  ["10.0.0.7", {}, OUTSIDE],
  ["10.0.1.0", {}, OUTSIDE],
];

for (const [clusterIP, metadata, why] of ADDRESSES) {
  Deno.test(`${clusterIP} of 10.0.0.0/29 for ${metadata.name ?? "web"} in ${metadata.namespace ?? "default"}`, () => {
    const world = new World({ others: [{ clusterIP: "10.0.0.3" }], claimed: ["10.0.0.4"] });
    assert.equal(world.admit({ clusterIP }, metadata).spec.clusterIP, clusterIP);
    if (why) assert.match(world.causes[0]!.message, why);
    else assert.deepEqual([world.causes, world.claimed.has(clusterIP)], [[], true]);
  });
}

Deno.test("addresses are given out but for the first, the network's own and the last, until none is left", () => {
  const world = new World({ claimed: ["10.0.0.4"] });
  const given = Array.from({ length: 5 }, () => world.admit({}).spec.clusterIP);
  assert.deepEqual(given.slice(0, 4).sort(), ["10.0.0.2", "10.0.0.3", "10.0.0.5", "10.0.0.6"]);
  assert.equal(given[4], "");
  assert.match(world.causes[0]!.message, /range is full/);
});

Deno.test("an address that an IPAddress of a user sets aside is not given out; those that Services have made say nothing", () => {
  const labels = { [ADDRESS_MANAGED_BY]: ADDRESS_MANAGER };
  const addresses = [
    { name: "10.0.0.2" },
    { name: "10.0.0.3", labels },
    { name: "10.0.0.5", labels: { [ADDRESS_MANAGED_BY]: "me" } },
  ] as unknown as ObjectMeta[];
  const world = new World({ claimed: ["10.0.0.4"] });
  world.addresses = addresses;
  const given = [1, 2].map(() => world.admit({}).spec.clusterIP);
  assert.deepEqual([given.sort(), world.causes], [["10.0.0.3", "10.0.0.6"], []]);
  const asking = new World({});
  asking.addresses = addresses;
  asking.admit({ clusterIP: "10.0.0.3" });
  asking.admit({ clusterIP: "10.0.0.5" });
  assert.equal(asking.causes.length, 1);
  assert.match(asking.causes[0]!.message, /failed to allocate IP 10.0.0.5: provided IP is already/);
});

Deno.test("a node port is asked for within the range, by one Service for each protocol", () => {
  const others = [{ ports: [port({ nodePort: 30_001 })] }];
  const asked: [number, string, RegExp | undefined][] = [
    [29_999, "TCP", /valid ports is 30000-32767/],
    [30_000, "TCP", undefined],
    [30_001, "TCP", /already allocated/],
    [30_001, "UDP", undefined],
    [30_002, "TCP", /already allocated/],
    [32_767, "TCP", undefined],
    [32_768, "TCP", /valid ports is 30000-32767/],
  ];
  for (const [nodePort, protocol, why] of asked) {
    const world = new World({ others, claimed: ["TCP/30002"] });
    world.admit({ type: "NodePort", ports: [port({ nodePort, protocol })] });
    if (why) assert.match(world.causes[0]!.message, why, String(nodePort));
    else assert.deepEqual([world.causes, world.claimed.has(`${protocol}/${nodePort}`)], [[], true]);
  }
});

Deno.test("the last node port that is free is found; then the range is full", () => {
  for (const free of [30_000, 31_234, 32_767]) {
    const all = Array.from({ length: 2_768 }, (_, i) => 30_000 + i).filter((each) => each !== free);
    const others = [{ ports: all.slice(1_000).map((nodePort) => port({ nodePort })) }];
    const claimed = all.slice(0, 1_000).map((nodePort) => `TCP/${nodePort}`);
    const world = new World({ others, claimed });
    const given = () =>
      world.admit({ type: "NodePort", ports: [port()] }).spec.ports?.[0]?.nodePort;
    assert.equal(given(), free);
    assert.deepEqual(world.causes, []);
    assert.equal(given(), 0);
    assert.deepEqual(
      world.causes.map(({ field, message }) => `${field}: ${message}`),
      ["spec.ports[0].nodePort: Invalid value: 0: failed to allocate a nodePort: range is full"],
    );
  }
});

Deno.test("who needs node ports gets them: a NodePort and a LoadBalancer that does not decline", () => {
  const has = (spec: object) =>
    new World({}).admit({ ports: [port()], ...spec }).spec.ports?.[0]?.nodePort !== undefined;
  assert.equal(has({ type: "ClusterIP" }), false);
  assert.equal(has({ type: "NodePort" }), true);
  assert.equal(has({ type: "LoadBalancer" }), true);
  assert.equal(has({ type: "LoadBalancer", allocateLoadBalancerNodePorts: true }), true);
  assert.equal(has({ type: "LoadBalancer", allocateLoadBalancerNodePorts: false }), false);
});

Deno.test("what was given is kept by who does not name it; a ClusterIP gives its node ports back", () => {
  const world = new World({});
  const before = world.admit({ type: "NodePort", ports: [port()] });
  const { clusterIP, ports } = before.spec;
  const kept = world.admit({ type: "NodePort", ports: [port()] }, {}, before);
  assert.deepEqual([kept.spec.clusterIP, kept.spec.ports], [clusterIP, ports]);
  const plain = world.admit({ type: "ClusterIP", ports }, {}, before);
  assert.deepEqual([plain.spec.clusterIP, plain.spec.ports], [clusterIP, [port()]]);
  const asking = [port({ nodePort: 30_500 })];
  assert.deepEqual(
    world.admit({ type: "ClusterIP", ports: asking }, {}, before).spec.ports,
    asking,
  );
  const other = world.admit({ clusterIP: "10.0.0.1" }, KUBERNETES, before);
  assert.equal(other.spec.clusterIP, "10.0.0.1");
});

Deno.test("the search begins at a place by chance, which counts", () => {
  const world = new World({ start: 3 });
  const { clusterIP, ports } = world.admit({ type: "NodePort", ports: [port()] }).spec;
  assert.deepEqual([clusterIP, ports?.[0]?.nodePort], ["10.0.0.5", 30_003]);
});

Deno.test("of several ports each is looked at", () => {
  const world = new World({});
  const mixed = [port(), port({ name: "other", nodePort: 1 })];
  world.admit({ type: "ClusterIP", ports: mixed });
  assert.deepEqual(world.causes.map(({ field }) => field), ["spec.ports[1].nodePort"]);
  const before = world.admit({ type: "NodePort", ports: [port()] });
  const more = [...before.spec.ports!, port({ name: "other", nodePort: 30_700 })];
  assert.deepEqual(world.admit({ type: "ClusterIP", ports: more }, {}, before).spec.ports, more);
  const none = world.admit({ clusterIP: "None" });
  assert.equal("ports" in world.admit({ clusterIP: "None" }, {}, none).spec, false);
});

function port(more: object = {}) {
  return { name: "web", port: 80, protocol: "TCP" as const, ...more };
}

/** A range of eight addresses, of which some are in use. */
class World {
  readonly causes: Cause[] = [];
  readonly claimed: Set<string>;
  readonly #others: readonly object[];
  /** The metadata of IPAddresses. */
  addresses: readonly ObjectMeta[] = [];
  readonly #random = new Random(1);

  constructor(
    { others = [], claimed = [], start }: {
      others?: readonly object[];
      claimed?: string[];
      /** In place of one by chance. */
      start?: number;
    },
  ) {
    this.#others = others;
    this.claimed = new Set(claimed);
    if (start !== undefined) this.#random.integer = () => start;
  }

  admit(spec: object, metadata: object = {}, previous?: Service): Service {
    const next = { metadata: { namespace: "default", name: "web", ...metadata }, spec };
    return withServiceAddresses(next as Service, previous, {
      isOwn: false,
      causes: this.causes,
      random: this.#random,
      settings: {
        serviceRange: parseIpv4Range("10.0.0.0/29")!,
        clock: new VirtualClock(0),
        kinds: () => [],
      },
      claims: this.claimed,
      all: () => this.#others.map((spec) => ({ ...next, spec })) as Service[],
      others: () => this.addresses.map((metadata) => ({ metadata })),
    });
  }
}
