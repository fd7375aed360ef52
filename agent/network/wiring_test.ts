import assert from "node:assert/strict";
import fc from "fast-check";
import type { SeenLink, SeenRoute } from "./plumbing.ts";
import {
  deviceOf,
  markOf,
  type ObservedNetwork,
  type OwnWire,
  parseMark,
  type Repair,
  repairsOf,
  type WantedNetwork,
} from "./wiring.ts";

const GATEWAY = { device: "cora0", ip: "10.42.0.1", cidr: "10.42.0.0/24" };
const SERVICES = "10.96.0.0/16";
const GROUP = 7;
const WIRES = [
  wireOf(2, "uid-a"),
  wireOf(3, "uid-b"),
  wireOf(4, "6f0c2a1e-1111-4222-8333-444455556666"),
];

Deno.test("nothing is done where everything is as it should be", () => {
  const world = new World();
  assert.deepEqual(world.round(), []);
});

const DAMAGE: readonly (readonly [what: string, (world: World) => void, Repair[]])[] = [
  ["a pod's route was deleted", (world) => world.deleteRoute(WIRES[0]!), [repair("addPodRoute")]],
  ["another's route leads to the pod", (world) => world.redirect(WIRES[0]!), [
    repair("addPodRoute"),
  ]],
  ["a pod's device was deleted", (world) => world.deleteLink(WIRES[0]!.device), [
    repair("connect"),
  ]],
  ["a pod's device was set down", (world) => world.setDown(WIRES[0]!.device), [
    repair("mark"),
    repair("addPodRoute"),
  ]],
  ["a pod's device was made by an older version", (world) => world.change({ mark: "", group: 0 }), [
    repair("mark"),
  ]],
  ["a pod's device was left half made", (world) => {
    world.change({ mark: "" });
    world.deleteRoute(WIRES[0]!);
  }, [repair("connect")]],
  ["a pod's device is its predecessor's", (world) => world.change({ mark: "cora0-0a2a0002-old" }), [
    repair("connect"),
  ]],
  ["a pod's device protects the node no more", (world) => world.unsettled.add(WIRES[0]!.device), [
    repair("mark"),
  ]],
  ["a namespace's name was taken away", (world) => world.names.delete(WIRES[0]!.namespacePath), [
    repair("nameAgain"),
  ]],
  ["another namespace has the name", (world) => world.names.set(WIRES[0]!.namespacePath, 99), [
    repair("nameAgain"),
  ]],
  ["the gateway's device was deleted", (world) => world.deleteLink("cora0"), [{
    do: "addGateway",
  }]],
  ["the gateway has lost its address", (world) => world.set("cora0", { addresses: [] }), [
    { do: "addGateway" },
  ]],
  ["the range of services is no longer local", (world) => world.deleteRange(SERVICES), [
    { do: "addLocalRange", range: SERVICES },
  ]],
];

for (const [what, damage, repairs] of DAMAGE) {
  Deno.test(`${what}: that is what is mended`, () => {
    const world = new World();
    damage(world);
    assert.deepEqual(world.round(), repairs);
    assert.deepEqual(world.round(), []);
  });
}

Deno.test("what belongs to no pod is removed at the second look, and not what is just coming or going", () => {
  const world = new World();
  world.addStray(9);
  assert.deepEqual(world.round(), []);
  world.busy.add("10.42.0.9");
  assert.deepEqual(world.round(), []);
  world.busy.clear();
  assert.deepEqual(world.round(), []);
  assert.deepEqual(world.round().map((repair) => repair.do), [
    "removeRoute",
    "removeLink",
    "removeName",
  ]);
  assert.deepEqual(world.round(), []);
});

Deno.test("nothing of another server is touched, though it has the same addresses", () => {
  const world = new World();
  const before = world.addForeign();
  for (let look = 0; look < 3; look++) assert.deepEqual(world.round(), []);
  assert.deepEqual(world.foreign(), before);
});

Deno.test("whatever others do, in a few looks all is right again, and theirs is as it was", () => {
  fc.assert(
    fc.property(fc.array(damages(), { maxLength: 12 }), (all) => {
      const world = new World();
      const before = world.addForeign();
      for (const damage of all) damage(world);
      world.busy.clear();
      for (let look = 0; look < 4; look++) world.round();
      assert.deepEqual(world.round(), []);
      assert.deepEqual(world.faults(), []);
      assert.deepEqual(world.foreign(), before);
    }),
    { numRuns: 500 },
  );
});

for (
  const [name, found] of [
    ["cora0-0a2a0002-uid", { ip: "10.42.0.2", podUid: "uid" }],
    ["cora0-0a2a0002-6f0c2a1e-1111-4222-8333-444455556666", {
      ip: "10.42.0.2",
      podUid: "6f0c2a1e-1111-4222-8333-444455556666",
    }],
    ["cora01234567-0a2a0002-uid", undefined],
    ["cora0-0a2a0002", undefined],
    ["cora0-0a2a000-uid", undefined],
    ["something", undefined],
  ] as const
) {
  Deno.test(`"${name}" is ${found ? "a name of ours" : "another's name"}`, () => {
    assert.deepEqual(parseMark(name, "cora0"), found);
  });
}

/** The kernel's network, as far as it is looked at. */
class World {
  links: SeenLink[] = [];
  routes: SeenRoute[] = [];
  readonly names = new Map<string, number | undefined>();
  readonly unsettled = new Set<string>();
  readonly busy = new Set<string>();
  wires = [...WIRES];
  #stray: ReadonlySet<string> = new Set();

  constructor() {
    this.#apply({ do: "addGateway" });
    this.#apply({ do: "addLocalRange", range: SERVICES });
    for (const wire of WIRES) {
      this.names.set(wire.namespacePath, wire.inode);
      this.#apply({ do: "connect", wire });
    }
  }

  /** One look, and the repairs. */
  round(): Repair[] {
    const { links, routes, names, unsettled, busy, wires } = this;
    const wanted: WantedNetwork = { gateway: GATEWAY, localRanges: [SERVICES], wires, busy };
    const seen: ObservedNetwork = { links, routes, names, unsettled };
    const { repairs, stray } = repairsOf(wanted, seen, this.#stray);
    this.#stray = stray;
    for (const repair of repairs) this.#apply(repair);
    return repairs;
  }

  deleteLink(name: string): void {
    this.links = this.links.filter((link) => link.name !== name);
    this.routes = this.routes.filter(({ device }) => device !== name);
    this.unsettled.delete(name);
  }

  setDown(name: string): void {
    this.set(name, { isUp: false });
    this.routes = this.routes.filter(({ device }) => device !== name);
  }

  deleteRoute({ ip }: OwnWire): void {
    this.deleteRange(`${ip}/32`);
  }

  deleteRange(cidr: string): void {
    this.routes = this.routes.filter((route) => route.cidr !== cidr || isForeign(route.device));
  }

  redirect(wire: OwnWire): void {
    this.deleteRoute(wire);
    this.routes.push({
      cidr: `${wire.ip}/32`,
      type: "unicast",
      device: "eth0",
      source: "192.0.2.1",
    });
  }

  set(name: string, change: Partial<SeenLink>): void {
    this.links = this.links.map((link) => link.name === name ? { ...link, ...change } : link);
  }

  change(change: Partial<SeenLink>): void {
    this.set(WIRES[0]!.device, change);
  }

  addStray(number: number): void {
    const wire = wireOf(number, "gone");
    this.names.set(wire.namespacePath, undefined);
    this.#apply({ do: "connect", wire });
  }

  /** Another server's pod, and a device of somebody else, with addresses of this server's range. */
  addForeign(): unknown {
    const mark = markOf({ owner: "coradeadbeef", ip: "10.42.0.77", podUid: "theirs" });
    this.links.push(
      { name: "theirs", isUp: true, group: GROUP, mark, addresses: [] },
      { name: "eth0", isUp: true, group: 0, mark: "", addresses: ["192.0.2.1"] },
    );
    this.routes.push(
      { cidr: "10.42.0.77/32", type: "unicast", device: "theirs", source: GATEWAY.ip },
      { cidr: "10.42.0.78/32", type: "unicast", device: "eth0", source: GATEWAY.ip },
      { cidr: "10.50.0.0/24", type: "unicast", via: "192.0.2.9", source: GATEWAY.ip },
    );
    return this.foreign();
  }

  foreign(): unknown {
    return [
      this.links.filter(({ name }) => isForeign(name)),
      this.routes.filter(({ device, via, source }) =>
        source === GATEWAY.ip && (via !== undefined || isForeign(device))
      ),
    ];
  }

  /** What is not as it should be. */
  faults(): string[] {
    const strays = this.links.filter(({ name, mark }) =>
      mark.startsWith("cora0-") && !this.wires.some(({ device }) => device === name)
    );
    const bad = this.wires.filter((wire) => {
      const link = this.links.find(({ name }) => name === wire.device);
      const isRouted = this.routes.some(({ cidr, device }) =>
        cidr === `${wire.ip}/32` && device === wire.device
      );
      return link?.mark !== wire.mark || !link.isUp || !isRouted || link.group !== GROUP ||
        this.names.get(wire.namespacePath) !== wire.inode;
    });
    return [...strays.map(({ name }) => name), ...bad.map(({ podUid }) => podUid)];
  }

  #apply(repair: Repair): void {
    switch (repair.do) {
      case "addGateway":
        this.links = this.links.filter(({ name }) => name !== GATEWAY.device);
        this.links.push({
          name: GATEWAY.device,
          isUp: true,
          group: 0,
          mark: "",
          addresses: [GATEWAY.ip],
        });
        this.deleteRange(GATEWAY.cidr);
        this.routes.push({ cidr: GATEWAY.cidr, type: "unreachable" });
        return;
      case "addLocalRange":
        this.routes.push({ cidr: repair.range, type: "local", device: "lo" });
        return;
      case "nameAgain":
        this.names.set(repair.wire.namespacePath, repair.wire.inode);
        return;
      case "connect":
        this.deleteLink(repair.wire.device);
        this.links.push({
          name: repair.wire.device,
          isUp: true,
          group: GROUP,
          mark: repair.wire.mark,
          addresses: [],
        });
        return this.#apply({ do: "addPodRoute", wire: repair.wire });
      case "mark":
        this.unsettled.delete(repair.wire.device);
        return this.set(repair.wire.device, { isUp: true, group: GROUP, mark: repair.wire.mark });
      case "addPodRoute":
        this.deleteRoute(repair.wire);
        this.routes.push({
          cidr: `${repair.wire.ip}/32`,
          type: "unicast" as const,
          device: repair.wire.device,
          source: GATEWAY.ip,
        });
        return;
      case "removeLink":
        return this.deleteLink(repair.name);
      case "removeRoute":
        this.routes = this.routes.filter(({ cidr, device }) =>
          cidr !== `${repair.ip}/32` || device !== repair.device
        );
        return;
      case "removeName":
        this.names.delete(repair.path);
    }
  }
}

function damages(): fc.Arbitrary<(world: World) => void> {
  const wire = fc.constantFrom(...WIRES);
  const act = (act: (world: World, wire: OwnWire) => void) =>
    wire.map((wire) => (world: World) => act(world, wire));
  return fc.oneof(
    act((world, wire) => world.deleteRoute(wire)),
    act((world, wire) => world.redirect(wire)),
    act((world, { device }) => world.deleteLink(device)),
    act((world, { device }) => world.setDown(device)),
    act((world, { device }) => world.set(device, { group: 0 })),
    act((world, { device }) => world.set(device, { mark: "" })),
    act((world, { device }) => world.set(device, { mark: "cora0-0a2a0002-old" })),
    act((world, { device }) => world.unsettled.add(device)),
    act((world, { namespacePath }) => world.names.delete(namespacePath)),
    act((world, { namespacePath }) => world.names.set(namespacePath, 99)),
    act((world) => world.deleteLink("cora0")),
    act((world) => world.setDown("cora0")),
    act((world) => world.set("cora0", { addresses: [] })),
    act((world) => world.deleteRange(GATEWAY.cidr)),
    act((world) => world.deleteRange(SERVICES)),
    fc.integer({ min: 5, max: 20 }).map((number) => (world: World) => world.addStray(number)),
    act((world, { ip }) => world.busy.add(ip)),
    act((world) => void world.round()),
  );
}

function wireOf(number: number, podUid: string): OwnWire {
  const ip = `10.42.0.${number}`;
  const mark = markOf({ owner: "cora0", ip, podUid });
  return {
    podUid,
    ip,
    mark,
    group: GROUP,
    mtu: 1500,
    gatewayIP: GATEWAY.ip,
    inode: 1000 + number,
    device: deviceOf(ip),
    namespacePath: `/run/netns/${mark}`,
  };
}

/** One for the first pod. */
function repair(what: "nameAgain" | "connect" | "mark" | "addPodRoute"): Repair {
  return { do: what, wire: WIRES[0]! };
}

function isForeign(device: string | undefined): boolean {
  return device === "theirs" || device === "eth0";
}
