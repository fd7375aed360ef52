import assert from "node:assert/strict";
import {
  answers,
  hint,
  isPossible,
  log,
  networkOf,
  type Place,
  refuses,
  VARIANTS,
  withNetwork,
} from "./netns_fixture.ts";
import { deviceOf } from "./wiring.ts";
import { NodeRoutes } from "./node_routes.ts";
import { nodeRoutesOf } from "./plumbing.ts";

const podCIDR = "10.213.7.0/28";
const place: Place = { device: "cora-test", podCIDR, serviceCIDR: "10.213.8.0/24" };

for (const [name, open] of VARIANTS) {
  Deno.test({
    name: `pods reach their node and each other through ${name}${hint}`,
    ignore: !isPossible,
    fn: () =>
      withNetwork(place, open, async (network) => {
        const [first, second] = [await network.add("uid-1"), await network.add("uid-2")];
        assert.deepEqual(await network.add("uid-1"), first);
        assert.equal(first.ip, "10.213.7.2");
        await answers(first.namespacePath!, network.gatewayIP);
        await answers(first.namespacePath!, second.ip);
        await refuses(first.namespacePath!, "10.213.7.9", "an address without a pod");
      }),
  });

  Deno.test({
    name:
      `pods are found again after a restart, half made ones are removed, through ${name}${hint}`,
    ignore: !isPossible,
    fn: () =>
      withNetwork(place, open, async (network) => {
        const kept = await network.add("uid-1");
        const gone = await network.add("uid-2");
        await network.remove("uid-2");
        await network.remove("uid-2");
        await Deno.writeFile(gone.namespacePath!, new Uint8Array()); // as after a kill in mid-way

        const restarted = networkOf(place, open());
        try {
          await restarted.start();
          assert.deepEqual(await restarted.list(), [kept]);
          assert.deepEqual(await restarted.add("uid-1"), kept);
          await assert.rejects(Deno.stat(gone.namespacePath!), Deno.errors.NotFound);
          await answers(kept.namespacePath!, network.gatewayIP);
        } finally {
          restarted.close();
        }
      }),
  });

  Deno.test({
    name: `an address that is set aside is its pod's alone through ${name}${hint}`,
    ignore: !isPossible,
    fn: () =>
      withNetwork(place, open, async (network) => {
        const other = await network.add("uid-other");
        network.keepAddress("uid-kept", "10.213.7.5");
        network.keepAddress("uid-late", "10.213.7.5");
        network.keepAddress("uid-late", other.ip);
        network.keepAddress("uid-late", "10.99.0.1");
        network.keepAddress("uid-gone", "10.213.7.6");
        await network.remove("uid-gone");
        const late = await network.add("uid-late");
        assert.ok(![other.ip, "10.213.7.5", "10.99.0.1"].includes(late.ip), late.ip);
        assert.equal((await network.add("uid-kept")).ip, "10.213.7.5");
        network.keepAddress("uid-again", "10.213.7.6");
        assert.equal((await network.add("uid-again")).ip, "10.213.7.6");
      }),
  });

  Deno.test({
    name: `an address that was just let go serves the next pod through ${name}${hint}`,
    ignore: !isPossible,
    fn: () =>
      withNetwork(place, open, async (network) => {
        for (let round = 0; round < 15; round++) { // more than there are addresses
          const { namespacePath } = await network.add(`uid-${round}`);
          if (round % 7 === 0) await answers(namespacePath!, network.gatewayIP);
          await network.remove(`uid-${round}`);
        }
      }),
  });

  Deno.test({
    name: `a namespace that something still holds leaves no device behind through ${name}${hint}`,
    ignore: !isPossible,
    fn: () =>
      withNetwork(place, open, async (network) => {
        const { ip, namespacePath } = await network.add("uid-1");
        using _holder = await Deno.open(namespacePath!);
        const device = `/sys/class/net/${deviceOf(ip)}`;
        await Deno.stat(device);
        await network.destroy();
        await assert.rejects(Deno.stat(device), Deno.errors.NotFound);
      }),
  });

  Deno.test({
    name: `processes and pods reach a service's address on its node through ${name}${hint}`,
    ignore: !isPossible,
    fn: () =>
      withNetwork(place, open, async (network) => {
        const port = freePort();
        const led = (await network.servicePorts!.lead(new Set([port]))).get(port)!;
        using listener = Deno.listen({ hostname: "10.213.8.5", port: led });
        (await Deno.connect({ hostname: "10.213.8.5", port })).close();
        (await listener.accept()).close();
        using _other = Deno.listen({ hostname: "0.0.0.0", port });
        const others = { hostname: "10.213.8.5", port: led + 1 };
        await assert.rejects(Deno.connect(others), Deno.errors.ConnectionRefused);
        const pod = await network.add("uid-1");
        await answers(pod.namespacePath!, "10.213.8.77");
      }),
  });

  Deno.test({
    name:
      `routes to other nodes are kept, changed and removed, and those of others stay, through ${name}${hint}`,
    ignore: !isPossible,
    fn: () =>
      withNetwork(place, open, async (network) => {
        const [one, other] = [(await network.add("uid-1")).ip, (await network.add("uid-2")).ip];
        const plumbing = open();
        const routes = new NodeRoutes({ plumbing, network, podCIDR, log });
        const shown = async (source: string) => nodeRoutesOf(await plumbing.look(), source);
        const { gatewayIP } = network;
        const foreign = { cidr: "10.213.10.0/24", via: one };
        try {
          await plumbing.addNodeRoute(foreign, "127.0.0.1");
          await routes.use([{ cidr: "10.213.9.0/24", via: one }, foreign]);
          await routes.use([{ cidr: "10.213.9.0/24", via: one }, foreign]);
          assert.deepEqual(await shown(gatewayIP), [{ cidr: "10.213.9.0/24", via: one }]);
          const unreachable = { cidr: "10.213.11.0/24", via: "203.0.113.9" };
          const own = { cidr: podCIDR, via: other };
          await routes.use([{ cidr: "10.213.9.0/24", via: other }, unreachable, own]);
          assert.deepEqual(await shown(gatewayIP), [{ cidr: "10.213.9.0/24", via: other }]);
          await routes.use([]);
          assert.deepEqual(await shown(gatewayIP), []);
          assert.deepEqual(await shown("127.0.0.1"), [foreign]);
        } finally {
          await routes.use([]);
          await plumbing.removeNodeRoute(foreign, "127.0.0.1");
          await plumbing.removeNodeRoute(foreign, "127.0.0.1");
          plumbing.close();
        }
      }),
  });
}

/** A port that nobody has at any address of the machine. */
function freePort(): number {
  using listener = Deno.listen({ hostname: "0.0.0.0", port: 0 });
  return listener.addr.port;
}
