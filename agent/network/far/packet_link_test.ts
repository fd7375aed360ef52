import assert from "node:assert/strict";
import { SystemClock } from "../../../core/lib/clock.ts";
import { addressesOf } from "../../../core/traffic/far/packet_switch.ts";
import { formatIpv4 } from "../../../core/lib/addresses/ipv4.ts";
import {
  answers,
  hint,
  isPossible,
  log,
  type Place,
  refuses,
  VARIANTS,
  withNetwork,
} from "../netns_fixture.ts";
import { NO_CLUSTER } from "../firewall_rules.ts";
import { PacketLink } from "./packet_link.ts";

const place: Place = {
  device: "cora-tun",
  podCIDR: "10.213.16.0/28",
  serviceCIDR: "10.213.17.0/24",
};
const DEVICE = "cora-tun-far", FAR = "10.213.18.0/24", FAR_POD = "10.213.18.5";
const hasTun = isPossible && canOpen("/dev/net/tun");

for (const [name, open] of VARIANTS) {
  Deno.test({
    name: `a pod reaches a far one by its address, through ${name}${hint}`,
    ignore: !hasTun,
    fn: () => {
      const plumbing = open();
      return withNetwork(place, () => plumbing, async (network) => {
        const pod = await network.add("uid-1"), seen = new Set<string>();
        const link = new PacketLink({
          device: DEVICE,
          route: (ranges) => plumbing.routeByDevice(DEVICE, ranges, network.gatewayIP),
          ...{ clock: new SystemClock(), log },
        });
        const send = (packet: Uint8Array) => {
          const addresses = addressesOf(packet);
          assert.ok(addresses, "only IPv4 gets here");
          const { from, to } = addresses;
          seen.add(`${formatIpv4(from)} > ${formatIpv4(to)}`);
          if (packet[PROTOCOL_AT] === ICMP) link.receive(echoed(packet));
        };
        try {
          await network.joinCluster({ ...NO_CLUSTER, far: [FAR] });
          await link.use([FAR], send);
          assert.deepEqual(link.ranges, [FAR]);
          await answers(pod.namespacePath!, FAR_POD);
          assert.deepEqual([...seen], [`${pod.ip} > ${FAR_POD}`], "its address is kept");
          await link.use(["10.213.19.0/24"], send);
          seen.clear();
          await refuses(pod.namespacePath!, FAR_POD, "what is no longer far");
          await answers(pod.namespacePath!, "10.213.19.9");
          assert.equal(seen.has(`${pod.ip} > ${FAR_POD}`), false);
          await link.use([place.podCIDR], send);
          assert.deepEqual(link.ranges, [], "a range that is led elsewhere is left alone");
          await link.use([place.podCIDR, FAR], send);
          assert.deepEqual(link.ranges, [FAR], "one that is led elsewhere is no harm to others");
          await answers(pod.namespacePath!, FAR_POD);
          await link.use(["10.213.19.0/24"], send);
          await answers(pod.namespacePath!, "10.213.19.9");
          await link.use([], send);
          assert.deepEqual(link.ranges, []);
          await refuses(pod.namespacePath!, "10.213.19.9", "a device that is gone");
        } finally {
          await link.close();
        }
        assert.deepEqual(devices().filter((each) => each === DEVICE), []);
      });
    },
  });
}

const PROTOCOL_AT = 9;
const ICMP = 1;
const HEAD_BYTES = 20;

/** The answer to an echo request: addresses swapped, type 0, and a checksum that is greater by what the type is less. */
function echoed(request: Uint8Array): Uint8Array<ArrayBuffer> {
  const packet = Uint8Array.from(request), view = new DataView(packet.buffer);
  packet.set(request.subarray(12, 16), 16);
  packet.set(request.subarray(16, 20), 12);
  packet[HEAD_BYTES] = 0;
  const sum = view.getUint16(HEAD_BYTES + 2) + 0x0800;
  view.setUint16(HEAD_BYTES + 2, (sum & 0xffff) + (sum >> 16));
  return packet;
}

function devices(): string[] {
  return Deno.networkInterfaces().map(({ name }) => name);
}

function canOpen(path: string): boolean {
  try {
    Deno.openSync(path, { read: true, write: true }).close();
    return true;
  } catch {
    return false;
  }
}
