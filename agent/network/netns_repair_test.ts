import assert from "node:assert/strict";
import { SystemClock } from "../../core/lib/clock.ts";
import { Log } from "../../core/lib/log.ts";
import {
  answers,
  hint,
  isPossible,
  networkOf,
  type Place,
  refuses,
  run,
  VARIANTS,
  withNetwork,
} from "./netns_fixture.ts";
import { NetnsNetwork } from "./netns_network.ts";

const place: Place = {
  device: "cora-mend",
  podCIDR: "10.213.12.0/28",
  serviceCIDR: "10.213.13.0/24",
};
/** Of the first pod. */
const IP = "10.213.12.2";
const DEVICE = "cv0ad50c02";

const DAMAGE: readonly (readonly [what: string, command: string])[] = [
  ["its route is deleted", `ip route del ${IP}`],
  ["its address is led elsewhere", `ip route replace ${IP} dev lo`],
  ["its device is deleted", `ip link del ${DEVICE}`],
  ["its device is set down", `ip link set ${DEVICE} down`],
  ["its device is taken out of its group", `ip link set ${DEVICE} group default`],
  ["the gateway is deleted", `ip link del ${place.device}`],
  ["the gateway's address is deleted", `ip addr flush dev ${place.device}`],
];

for (const [name, open] of VARIANTS) {
  Deno.test({
    name:
      `a pod is reached again, in its own namespace, after others' damage, through ${name}${hint}`,
    ignore: !isPossible,
    fn: () =>
      withNetwork(place, open, async (network) => {
        const pod = await network.add("uid-1");
        const inode = await inodeOf(pod.namespacePath!);
        assert.equal(pod.ip, IP);
        for (const [what, command] of DAMAGE) {
          await shell(command);
          await network.repair();
          await answers(pod.namespacePath!, network.gatewayIP);
          assert.deepEqual(await network.list(), [pod], what);
          assert.equal(await inodeOf(pod.namespacePath!), inode, what);
          assert.match(await run("ip", "-d", "link", "show", DEVICE), /group 1\d{9}\b/, what);
        }
      }),
  });

  Deno.test({
    name: `what was damaged before a restart is mended by it, through ${name}${hint}`,
    ignore: !isPossible,
    fn: () =>
      withNetwork(place, open, async (network) => {
        const pods = [await network.add("uid-1"), await network.add("uid-2")];
        const inode = await inodeOf(pods[0]!.namespacePath!);
        await shell(`ip link del ${DEVICE}; ip route del ${pods[1]!.ip}`);
        const restarted = networkOf(place, open());
        try {
          await restarted.start();
          const found = [...await restarted.list()];
          assert.deepEqual(found.sort((a, b) => a.ip < b.ip ? -1 : 1), pods);
          assert.deepEqual(await restarted.add("uid-1"), pods[0]);
          assert.equal(await inodeOf(pods[0]!.namespacePath!), inode);
          for (const pod of pods) await answers(pod.namespacePath!, network.gatewayIP);
        } finally {
          restarted.close();
        }
      }),
  });

  Deno.test({
    name: `a service's addresses and the rules come back through ${name}${hint}`,
    ignore: !isPossible,
    fn: () =>
      withNetwork(place, open, async (network) => {
        const pod = await network.add("uid-1");
        const cluster = {
          machine: [],
          elsewhere: ["10.213.99.0/24"],
          nodes: ["192.0.2.99"],
          far: [],
        };
        await network.joinCluster(cluster);
        await network.repair();
        const before = await run("nft", "list", "table", "ip", place.device);
        assert.match(before, /10\.213\.99\.0\/24, 192\.0\.2\.99|192\.0\.2\.99, 10\.213\.99\.0\/24/);
        for (
          const damage of [
            `delete table ip ${place.device}`,
            `flush chain ip ${place.device} inbound`,
            `flush set ip ${place.device} elsewhere`,
          ]
        ) {
          await run("nft", damage);
          await network.repair();
          assert.equal(await run("nft", "list", "table", "ip", place.device), before, damage);
        }
        await shell(`ip route del local ${place.serviceCIDR} dev lo`);
        await network.repair();
        await answers(pod.namespacePath!, "10.213.13.77");
      }),
  });

  Deno.test({
    name:
      `what belongs to no pod goes, and what another server has made stays, through ${name}${hint}`,
    ignore: !isPossible,
    fn: () =>
      withNetwork(place, open, async (network) => {
        await network.add("uid-1");
        const foreign = `ip link add cv0ad50c0d type bridge; ip link set cv0ad50c0d up;
          ip link set cv0ad50c0d alias coraother-0ad50c0d-theirs;
          ip route add 10.213.12.13 dev cv0ad50c0d src ${network.gatewayIP} proto 99`;
        const stray = `ip link add cv0ad50c0c type bridge; ip link set cv0ad50c0c up;
          ip link set cv0ad50c0c alias ${place.device}-0ad50c0c-gone;
          ip route add 10.213.12.12 dev cv0ad50c0c src ${network.gatewayIP} proto 99;
          touch /run/netns/${place.device}-0ad50c0c-gone`;
        try {
          await shell(`${foreign}; ${stray}`);
          await network.repair();
          await network.repair();
          const all = "ip -o link; ip route; ls /run/netns";
          const left = await run("sh", "-c", `(${all}) | grep -e 0ad50c -e 10.213.12`);
          assert.doesNotMatch(left, /cv0ad50c0c|10\.213\.12\.12 |-gone/);
          assert.match(left, /coraother-0ad50c0d-theirs/);
          assert.match(left, /10\.213\.12\.13 dev cv0ad50c0d/);
        } finally {
          await shell("ip link del cv0ad50c0d; ip link del cv0ad50c0c 2>/dev/null || true");
        }
      }),
  });

  Deno.test({
    name: `a device of another server is not replaced by a pod's through ${name}${hint}`,
    ignore: !isPossible,
    fn: () =>
      withNetwork(place, open, async (network) => {
        await shell(
          `ip link add ${DEVICE} type bridge; ip link set ${DEVICE} alias coraother-0ad50c02-theirs`,
        );
        try {
          await assert.rejects(network.add("uid-1"), /coraother-0ad50c02-theirs.*--pod-cidr/);
          assert.match(await run("ip", "link", "show", DEVICE), /theirs/);
        } finally {
          await shell(`ip link del ${DEVICE}`);
        }
      }),
  });

  Deno.test({
    name: `the node's end lets a pod do nothing to the node, through ${name}${hint}`,
    ignore: !isPossible,
    fn: () =>
      withNetwork(place, open, async (network) => {
        await network.add("uid-1");
        const settings = () =>
          Promise.all([
            setting("ipv6", "disable_ipv6"),
            setting("ipv6", "accept_ra"),
            setting("ipv6", "accept_redirects"),
            setting("ipv4", "rp_filter"),
            setting("ipv4", "accept_redirects"),
          ]);
        assert.deepEqual(await settings(), ["1", "0", "0", "1", "0"]);
        const loosened = [["ipv4", "rp_filter", "2"], ["ipv6", "disable_ipv6", "0"]] as const;
        for (const [family, name, value] of loosened) {
          await Deno.writeTextFile(pathOf(family, name), value).catch(() => {}); // no IPv6 here
        }
        await network.repair();
        assert.deepEqual(await settings(), ["1", "0", "0", "1", "0"]);
      }),
  });
}

Deno.test({
  name: `that another server has the same addresses is said at the start${hint}`,
  ignore: !isPossible,
  async fn() {
    const said: string[] = [];
    const clock = new SystemClock();
    const log = new Log({ clock, level: "warn", format: "text", sink: (line) => said.push(line) });
    await withNetwork(place, VARIANTS[0]![1], async () => {
      const plumbing = VARIANTS[0]![1]();
      const other = new NetnsNetwork({ ...place, device: "cora-mend2", plumbing, log });
      try {
        await other.start();
      } finally {
        await other.destroy();
        other.close();
      }
    });
    assert.match(said.join(), /"cora-mend"; choose others with --pod-cidr/);
  },
});

Deno.test({
  name: `a namespace whose name was taken away gets it again${hint}`,
  ignore: !isPossible,
  fn: () =>
    withNetwork(place, VARIANTS[0]![1], async (network) => {
      const pod = await network.add("uid-1");
      const inode = await inodeOf(pod.namespacePath!);
      await shell(`umount -l ${pod.namespacePath}; rm ${pod.namespacePath}`);
      await network.repair();
      assert.equal(await inodeOf(pod.namespacePath!), inode);
      await answers(pod.namespacePath!, network.gatewayIP);
    }),
});

Deno.test({
  name: `a namespace that nobody can enter any more is told as lost, and all of it goes${hint}`,
  ignore: !isPossible,
  fn: () =>
    withNetwork(place, VARIANTS[1]![1], async (network) => {
      const pod = await network.add("uid-1");
      const lost: string[] = [];
      const stop = network.onLost((podUid) => lost.push(podUid));
      using _process = await sleeperIn(pod.namespacePath!); // what runs in it keeps it
      await shell(`umount -l ${pod.namespacePath}; rm ${pod.namespacePath}`);
      await network.repair();
      assert.deepEqual(lost, ["uid-1"]);
      assert.equal(network.has("uid-1"), false);
      const again = await network.add("uid-1");
      assert.notEqual(again.ip, pod.ip);
      await answers(again.namespacePath!, network.gatewayIP);
      await network.repair();
      await network.repair();
      await refuses(again.namespacePath!, pod.ip, "the namespace that was lost");
      stop();
    }),
});

/** A process that is in the namespace by now. */
async function sleeperIn(namespacePath: string): Promise<Disposable> {
  const child = new Deno.Command("nsenter", {
    args: [`--net=${namespacePath}`, "sh", "-c", "echo there; exec sleep 60"],
    stdout: "piped",
  }).spawn();
  const reader = child.stdout.getReader();
  await reader.read();
  await reader.cancel();
  return { [Symbol.dispose]: () => child.kill("SIGKILL") };
}

async function shell(script: string): Promise<void> {
  await run("sh", "-c", script);
}

async function inodeOf(path: string): Promise<number> {
  return (await Deno.stat(path)).ino!;
}

/** What the node's end of the first pod is set to; what should be, where the kernel has no IPv6. */
async function setting(family: "ipv4" | "ipv6", name: string): Promise<string> {
  try {
    return (await Deno.readTextFile(pathOf(family, name))).trim();
  } catch {
    return name === "disable_ipv6" ? "1" : "0";
  }
}

function pathOf(family: string, name: string): string {
  return `/proc/sys/net/${family}/conf/${DEVICE}/${name}`;
}
