import { formatIpv4, formatIpv4Range } from "../../core/lib/ipv4.ts";
import { cString, type Libc, SystemError } from "../../core/lib/linux/libc.ts";
import {
  addNamespace,
  inNamespace,
  openNamespace,
  removeNamespace,
} from "../../core/lib/linux/network_namespace.ts";
import { Netlink, type NetlinkMessage } from "../../core/lib/linux/netlink.ts";
import {
  addAddress,
  addBridge,
  addNewRoute,
  addRoute,
  addVeth,
  deleteLink,
  deleteRoute,
  gatewayRoute,
  getRoutes,
  hostRouteAddress,
  setUp,
} from "../../core/lib/linux/rtnetlink.ts";
import type { Gateway, NodeRoute, Plumbing, PodWire } from "./plumbing.ts";

const ENOENT = 2;
const ESRCH = 3;
const EEXIST = 17;
const ENODEV = 19;

/** The network by netlink: two milliseconds for a pod, and no process is started. */
export class NetlinkPlumbing implements Plumbing {
  readonly #libc: Libc;
  readonly #netlink: Netlink;

  constructor(libc: Libc) {
    this.#libc = libc;
    this.#netlink = new Netlink(libc);
  }

  addGateway({ device, ip, cidr }: Gateway): Promise<void> {
    return this.#attempt(() => {
      this.#run(addBridge(device), `make device "${device}"`, [EEXIST]);
      const index = this.#indexOf(device);
      this.#run(setUp(index), `set "${device}" up`);
      this.#run(addAddress(ip, index), `give "${device}" the address ${ip}`);
      this.#run(addRoute({ destination: cidr, type: "unreachable" }), `close the range ${cidr}`);
    });
  }

  removeGateway({ device, cidr }: Gateway): Promise<void> {
    return this.#attempt(() => {
      const closed = deleteRoute({ destination: cidr, type: "unreachable" });
      this.#run(closed, `open the range ${cidr}`, [ESRCH]);
      this.#run(deleteLink(device), `delete device "${device}"`, [ENODEV]);
    });
  }

  addWire(wire: PodWire): Promise<void> {
    return this.#attempt(() => {
      const { namespacePath, device, ip, gatewayIP } = wire;
      addNamespace(this.#libc, namespacePath);
      this.#addVeth(wire);
      const route = { destination: `${ip}/32`, device: this.#indexOf(device), source: gatewayIP };
      this.#run(addRoute(route), `route ${ip} to "${device}"`);
      inNamespace(this.#libc, namespacePath, () => this.#connectPod(wire));
    });
  }

  removeWire(namespacePath: string): Promise<void> {
    return this.#attempt(() => removeNamespace(this.#libc, namespacePath));
  }

  wiredAddresses(): Promise<ReadonlySet<string>> {
    return this.#attempt(() => {
      const addresses = new Set<string>();
      for (const answer of this.#netlink.dump(getRoutes(), "list the routes")) {
        const address = hostRouteAddress(answer);
        if (address !== undefined) addresses.add(formatIpv4(address));
      }
      return addresses;
    });
  }

  addLocalRange(cidr: string): Promise<void> {
    return this.#attempt(() => this.#run(addRoute(this.#localRange(cidr)), `make ${cidr} local`));
  }

  removeLocalRange(cidr: string): Promise<void> {
    return this.#attempt(() =>
      this.#run(deleteRoute(this.#localRange(cidr)), `make ${cidr} foreign`, [ESRCH])
    );
  }

  addNodeRoute({ cidr, via }: NodeRoute, source: string): Promise<void> {
    const route = { destination: cidr, gateway: via, source };
    return this.#attempt(() =>
      this.#run(addNewRoute(route), `route ${cidr} through ${via}`, [EEXIST])
    );
  }

  removeNodeRoute({ cidr, via }: NodeRoute, source: string): Promise<void> {
    const route = { destination: cidr, gateway: via, source };
    return this.#attempt(() =>
      this.#run(deleteRoute(route), `unroute ${cidr} through ${via}`, [ESRCH])
    );
  }

  nodeRoutes(source: string): Promise<readonly NodeRoute[]> {
    return this.#attempt(() =>
      [...this.#netlink.dump(getRoutes(), "list the routes")].flatMap((answer) => {
        const route = gatewayRoute(answer);
        if (route?.source === undefined || formatIpv4(route.source) !== source) return [];
        const { destination, gateway } = route;
        return [{ cidr: formatIpv4Range(destination), via: formatIpv4(gateway) }];
      })
    );
  }

  close(): void {
    this.#netlink.close();
    this.#libc.close();
  }

  /** Nothing here waits, but a failure must come as a rejection, as it does from the other plumbing. */
  #attempt<T>(act: () => T): Promise<T> {
    return new Promise((resolve) => resolve(act()));
  }

  #addVeth(wire: PodWire): void {
    const { namespacePath, device, mtu } = wire;
    const peerNamespace = openNamespace(this.#libc, namespacePath);
    const message = () => addVeth({ name: device, peerName: "eth0", peerNamespace, mtu });
    const what = `make device "${device}"`;
    try {
      this.#netlink.run(message(), what);
    } catch (error) {
      if (!(error instanceof SystemError && error.errno === EEXIST)) throw error;
      // The kernel has not yet cleaned up behind the last pod of this address.
      this.#run(deleteLink(device), `delete device "${device}"`, [ENODEV]);
      this.#netlink.run(message(), what);
    } finally {
      this.#libc.calls.close(peerNamespace);
    }
  }

  #connectPod({ ip, gatewayIP }: PodWire): void {
    const netlink = new Netlink(this.#libc);
    const device = this.#indexOf("eth0");
    try {
      netlink.run(setUp(this.#indexOf("lo")), `set "lo" of ${ip} up`);
      netlink.run(setUp(device), `set "eth0" of ${ip} up`);
      netlink.run(addAddress(ip, device), `give "eth0" the address ${ip}`);
      const toGateway = { destination: `${gatewayIP}/32`, device };
      netlink.run(addRoute(toGateway), `route ${gatewayIP} in the pod ${ip}`);
      const byGateway = { destination: "default", gateway: gatewayIP, device };
      netlink.run(addRoute(byGateway), `route out of the pod ${ip}`);
    } finally {
      netlink.close();
    }
  }

  #localRange(cidr: string) {
    return { destination: cidr, type: "local" as const, device: this.#indexOf("lo") };
  }

  #indexOf(device: string): number {
    const index = this.#libc.calls.if_nametoindex(cString(device));
    if (index === 0) throw this.#libc.error(`find device "${device}"`, ENOENT);
    return index;
  }

  #run(message: NetlinkMessage, what: string, accepted: readonly number[] = []): void {
    try {
      this.#netlink.run(message, what);
    } catch (error) {
      if (!(error instanceof SystemError && accepted.includes(error.errno))) throw error;
    }
  }
}
