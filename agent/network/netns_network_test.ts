import assert from "node:assert/strict";
import { SystemClock } from "../../core/lib/clock.ts";
import { Libc } from "../../core/lib/linux/libc.ts";
import { programPath } from "../../core/lib/linux/program.ts";
import { silentLog } from "../../core/lib/log.ts";
import { IpPlumbing } from "./ip_plumbing.ts";
import { masqueradeRules } from "./masquerade.ts";
import { NetlinkPlumbing } from "./netlink_plumbing.ts";
import { NetnsNetwork } from "./netns_network.ts";
import { NodeRoutes } from "./node_routes.ts";
import type { Plumbing } from "./plumbing.ts";
import { ServiceRoute } from "./service_route.ts";

const log = silentLog(new SystemClock());
const ipProgram = programPath("ip");
const isPossible = Deno.uid() === 0 && ipProgram !== undefined && isNamespaceAllowed();
const hint = isPossible ? "" : " (needs root and: apt-get install iproute2 nftables)";
const device = "cora-test";
const podCIDR = "10.213.7.0/28";
const serviceCIDR = "10.213.8.0/24";

const VARIANTS: readonly (readonly [name: string, open: () => Plumbing])[] = [
  ["netlink", () => new NetlinkPlumbing(Libc.open()!)],
  ["ip", () => new IpPlumbing(ipProgram!)],
];

for (const [name, open] of VARIANTS) {
  Deno.test({
    name: `pods reach their node and each other through ${name}${hint}`,
    ignore: !isPossible,
    fn: () =>
      withNetwork(open, async (network) => {
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
      withNetwork(open, async (network) => {
        const kept = await network.add("uid-1");
        const gone = await network.add("uid-2");
        await network.remove("uid-2");
        await network.remove("uid-2");
        await Deno.writeFile(gone.namespacePath!, new Uint8Array()); // as after a kill in mid-way

        const restarted = networkOf(open());
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
    name: `an address that was just let go serves the next pod through ${name}${hint}`,
    ignore: !isPossible,
    fn: () =>
      withNetwork(open, async (network) => {
        for (let round = 0; round < 15; round++) { // more than there are addresses
          const { namespacePath } = await network.add(`uid-${round}`);
          if (round % 7 === 0) await answers(namespacePath!, network.gatewayIP);
          await network.remove(`uid-${round}`);
        }
      }),
  });

  Deno.test({
    name: `processes and pods reach a service's address on its node through ${name}${hint}`,
    ignore: !isPossible,
    fn: () =>
      withNetwork(open, async (network) => {
        const plumbing = open();
        const route = new ServiceRoute({ plumbing, cidr: serviceCIDR });
        try {
          await route.add();
          await route.add();
          using listener = Deno.listen({ hostname: "10.213.8.5", port: 0 });
          (await Deno.connect({ hostname: "10.213.8.5", port: listener.addr.port })).close();
          (await listener.accept()).close();
          const pod = await network.add("uid-1");
          await answers(pod.namespacePath!, "10.213.8.77");
        } finally {
          await route.remove();
          await route.remove();
          plumbing.close();
        }
      }),
  });

  Deno.test({
    name:
      `routes to other nodes are kept, changed and removed, and those of others stay, through ${name}${hint}`,
    ignore: !isPossible,
    fn: () =>
      withNetwork(open, async (network) => {
        const [one, other] = [(await network.add("uid-1")).ip, (await network.add("uid-2")).ip];
        const plumbing = open();
        const routes = new NodeRoutes({ plumbing, network, podCIDR, log });
        const shown = () => plumbing.nodeRoutes(network.gatewayIP);
        const foreign = { cidr: "10.213.10.0/24", via: one };
        try {
          await plumbing.addNodeRoute(foreign, "127.0.0.1");
          await routes.use([{ cidr: "10.213.9.0/24", via: one }, foreign]);
          await routes.use([{ cidr: "10.213.9.0/24", via: one }, foreign]);
          assert.deepEqual(await shown(), [{ cidr: "10.213.9.0/24", via: one }]);
          const unreachable = { cidr: "10.213.11.0/24", via: "203.0.113.9" };
          const own = { cidr: podCIDR, via: other };
          await routes.use([{ cidr: "10.213.9.0/24", via: other }, unreachable, own]);
          assert.deepEqual(await shown(), [{ cidr: "10.213.9.0/24", via: other }]);
          await routes.use([]);
          assert.deepEqual(await shown(), []);
          assert.deepEqual(await plumbing.nodeRoutes("127.0.0.1"), [foreign]);
        } finally {
          await routes.use([]);
          await plumbing.removeNodeRoute(foreign, "127.0.0.1");
          await plumbing.removeNodeRoute(foreign, "127.0.0.1");
          plumbing.close();
        }
      }),
  });
}

Deno.test("pods keep their addresses inside the cluster, and have the node's outside", () => {
  assert.equal(
    masqueradeRules({
      table: "cora0",
      podCIDR: "10.42.0.0/24",
      clusterCIDRs: ["10.42.0.0/16", "10.96.0.0/16"],
    }),
    `add table ip cora0
delete table ip cora0
table ip cora0 {
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    ip saddr 10.42.0.0/24 ip daddr != { 10.42.0.0/16, 10.96.0.0/16 } masquerade
  }
}
`,
  );
});

async function withNetwork(
  open: () => Plumbing,
  act: (network: NetnsNetwork) => Promise<void>,
): Promise<void> {
  const network = networkOf(open());
  try {
    await network.start();
    await act(network);
  } finally {
    await network.destroy();
    network.close();
  }
  const left = await Array.fromAsync(Deno.readDir("/run/netns"));
  assert.deepEqual(left.filter((entry) => entry.name.startsWith(device)), []);
}

function networkOf(plumbing: Plumbing): NetnsNetwork {
  return new NetnsNetwork({ podCIDR, device, plumbing, log });
}

async function answers(namespacePath: string, ip: string): Promise<void> {
  assert.ok(await ping(namespacePath, ip, 5), `${ip} does not answer in "${namespacePath}"`);
}

async function refuses(namespacePath: string, ip: string, what: string): Promise<void> {
  assert.ok(!await ping(namespacePath, ip, 1), `${what} answers`);
}

/** One echo request by a program that is everywhere: busybox, or the system's own ping. */
async function ping(namespacePath: string, ip: string, waitSeconds: number): Promise<boolean> {
  const busybox = programPath("busybox");
  const command = busybox === undefined ? ["ping"] : [busybox, "ping"];
  const { success } = await new Deno.Command("nsenter", {
    args: [`--net=${namespacePath}`, ...command, "-c", "1", "-W", String(waitSeconds), ip],
    stdout: "null",
    stderr: "null",
  }).output();
  return success;
}

function isNamespaceAllowed(): boolean {
  return new Deno.Command("unshare", { args: ["--net", "true"], stderr: "null" }).outputSync()
    .success;
}
