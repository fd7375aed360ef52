import type { Clock } from "../../core/lib/clock.ts";
import { formatIpv4, formatIpv4Range } from "../../core/lib/addresses/ipv4.ts";
import { NetworkChanges } from "../../core/lib/linux/network_changes.ts";
import { cString, type Libc, SystemError } from "../../core/lib/linux/libc.ts";
import {
  addNamespace,
  holdNamespace,
  inNamespace,
  nameNamespace,
  openNamespace,
  removeNamespace,
} from "../../core/lib/linux/network_namespace.ts";
import { Netlink, type NetlinkMessage } from "../../core/lib/linux/netlink.ts";
import { rulesGeneration } from "../../core/lib/linux/nftables.ts";
import {
  addAddress,
  addBridge,
  addNewRoute,
  addressOf,
  addRoute,
  addVeth,
  deleteLink,
  deleteRoute,
  getAddresses,
  getLinks,
  getRoutes,
  type Link,
  linkOf,
  markUp,
  ownRouteOf,
  setUp,
} from "../../core/lib/linux/rtnetlink.ts";
import { applySettings, NODE_END, POD_END } from "./device_settings.ts";
import { removeHiddenName } from "./hidden_name.ts";
import {
  foreignDevice,
  type Gateway,
  mayReplace,
  type NodeRoute,
  type NotRouted,
  type Plumbing,
  type PodWire,
  type SeenNetwork,
} from "./plumbing.ts";

const ENOENT = 2;
const ESRCH = 3;
const EEXIST = 17;
const ENODEV = 19;

/** The network by netlink: two milliseconds for a pod, and no process is started. */
export class NetlinkPlumbing implements Plumbing {
  readonly #libc: Libc;
  readonly #netlink: Netlink;
  /** Descriptors of namespaces, by their paths. */
  readonly #held = new Map<string, number>();

  constructor(libc: Libc) {
    this.#libc = libc;
    this.#netlink = new Netlink(libc);
  }

  look(): Promise<SeenNetwork> {
    return this.#attempt(() => {
      const names = new Map<number, string>();
      const addresses = new Map<number, string[]>();
      for (const answer of this.#netlink.dump(getAddresses(), "list the addresses")) {
        const { ip, device } = addressOf(answer);
        if (ip === undefined) continue;
        addresses.set(device, [...addresses.get(device) ?? [], formatIpv4(ip)]);
      }
      const links = this.#links().map(({ index, alias, ...rest }) => {
        names.set(index, rest.name);
        return { ...rest, mark: alias, addresses: addresses.get(index) ?? [] };
      });
      return { links, routes: this.#routes(names) };
    });
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
      const { namespacePath } = wire;
      addNamespace(this.#libc, namespacePath);
      this.#hold(namespacePath);
      this.#connect(wire);
    });
  }

  connect(wire: PodWire): Promise<void> {
    return this.#attempt(() => this.#connect(wire));
  }

  mark(wire: PodWire): Promise<void> {
    return this.#attempt(() => {
      applySettings(wire.device, NODE_END);
      this.#setUp(wire);
    });
  }

  addPodRoute(wire: PodWire): Promise<void> {
    return this.#attempt(() => this.#addPodRoute(wire));
  }

  removePodRoute(ip: string, device: string): Promise<void> {
    return this.#attempt(() => {
      const route = { destination: `${ip}/32`, device: this.#indexOf(device) };
      this.#run(deleteRoute(route), `delete the route to ${ip}`, [ESRCH]);
    });
  }

  removeLink(name: string): Promise<void> {
    return this.#attempt(() => this.#run(deleteLink(name), `delete device "${name}"`, [ENODEV]));
  }

  async removeWire(namespacePath: string): Promise<void> {
    const held = this.#held.get(namespacePath);
    if (held !== undefined) this.#libc.calls.close(held);
    this.#held.delete(namespacePath);
    const isGone = removeNamespace(this.#libc, namespacePath);
    if (!isGone) await removeHiddenName(namespacePath);
  }

  hold(namespacePath: string): Promise<void> {
    return this.#attempt(() => this.#hold(namespacePath));
  }

  nameAgain(namespacePath: string): Promise<boolean> {
    return this.#attempt(() => {
      const held = this.#held.get(namespacePath);
      if (held === undefined) return false;
      nameNamespace(this.#libc, held, namespacePath);
      return true;
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

  routeByDevice(name: string, ranges: readonly string[], source: string): Promise<NotRouted> {
    return this.#attempt(() => {
      const device = this.#indexOf(name);
      applySettings(name, NODE_END);
      this.#run(setUp(device), `set "${name}" up`);
      const present = new Set(
        this.#routes(new Map([[device, name]]))
          .flatMap(({ cidr, device }) => device === name ? [cidr] : []),
      );
      const wanted = new Set(ranges); // there may be ten thousand
      for (const cidr of present.difference(wanted)) {
        this.#run(deleteRoute({ destination: cidr, device, source }), `unroute ${cidr}`, [ESRCH]);
      }
      const notRouted = new Map<string, string>();
      for (const cidr of wanted.difference(present)) {
        const route = { destination: cidr, device, source };
        try {
          this.#run(addNewRoute(route), `route ${cidr} to "${name}"`);
        } catch (error) {
          if (!(error instanceof SystemError)) throw error;
          notRouted.set(cidr, error.message); // it is led elsewhere: the others are no worse for it
        }
      }
      return notRouted;
    });
  }

  rulesGeneration(): number | undefined {
    try {
      return rulesGeneration(this.#libc);
    } catch (error) {
      if (error instanceof SystemError) return undefined; // there is no nftables here
      throw error;
    }
  }

  listen(clock: Clock): NetworkChanges {
    return new NetworkChanges(this.#libc, clock);
  }

  close(): void {
    for (const held of this.#held.values()) this.#libc.calls.close(held);
    this.#held.clear();
    this.#netlink.close();
    this.#libc.close();
  }

  /** Nothing here waits, but a failure must be a rejection, as with the other plumbing. */
  #attempt<T>(act: () => T): Promise<T> {
    return new Promise((resolve) => resolve(act()));
  }

  #routes(names: ReadonlyMap<number, string>): SeenNetwork["routes"] {
    const answers = this.#netlink.dump(getRoutes(), "list the routes");
    return answers.flatMap((answer) => {
      const route = ownRouteOf(answer);
      if (route === undefined) return [];
      const { destination, type, device, gateway, source } = route;
      const name = device === undefined ? undefined : names.get(device);
      return [{
        cidr: formatIpv4Range(destination),
        type,
        ...(name !== undefined && { device: name }),
        ...(gateway !== undefined && { via: formatIpv4(gateway) }),
        ...(source !== undefined && { source: formatIpv4(source) }),
      }];
    }).toArray();
  }

  #links(): Link[] {
    return this.#netlink.dump(getLinks(), "list the devices").map(linkOf).toArray();
  }

  #hold(namespacePath: string): void {
    if (this.#held.has(namespacePath)) return;
    this.#held.set(namespacePath, holdNamespace(this.#libc, namespacePath));
  }

  /** The mark comes last but for the route: what has it is whole. */
  #connect(wire: PodWire): void {
    this.#addVeth(wire);
    applySettings(wire.device, NODE_END);
    inNamespace(this.#libc, wire.namespacePath, () => this.#connectPod(wire));
    this.#setUp(wire);
    this.#addPodRoute(wire);
  }

  #setUp({ device, mark, group }: PodWire): void {
    const message = markUp(this.#indexOf(device), { alias: mark, group });
    this.#run(message, `set "${device}" up`);
  }

  #addPodRoute({ ip, device, gatewayIP }: PodWire): void {
    const route = { destination: `${ip}/32`, device: this.#indexOf(device), source: gatewayIP };
    this.#run(addRoute(route), `route ${ip} to "${device}"`);
  }

  #addVeth(wire: PodWire): void {
    const { namespacePath, device: name, group, mtu } = wire;
    const peerNamespace = openNamespace(this.#libc, namespacePath);
    const message = () => addVeth({ name, group, peerName: "eth0", peerNamespace, mtu });
    const what = `make device "${name}"`;
    try {
      this.#netlink.run(message(), what);
    } catch (error) {
      if (!(error instanceof SystemError && error.errno === EEXIST)) throw error;
      // The kernel has not yet cleaned up behind the last pod of this address, or the pod has an end without another.
      this.#removeLeftover(wire);
      inNamespace(this.#libc, namespacePath, () => this.#removeFromPod());
      this.#netlink.run(message(), what);
    } finally {
      this.#libc.calls.close(peerNamespace);
    }
  }

  #removeLeftover({ device, mark }: PodWire): void {
    const leftover = this.#links().find(({ name }) => name === device);
    if (leftover === undefined) return;
    if (!mayReplace(leftover.alias, mark)) throw foreignDevice(device, leftover.alias);
    this.#run(deleteLink(device), `delete device "${device}"`, [ENODEV]);
  }

  #removeFromPod(): void {
    const netlink = new Netlink(this.#libc);
    try {
      netlink.run(deleteLink("eth0"), 'delete "eth0" of a pod');
    } catch (error) {
      if (!(error instanceof SystemError && error.errno === ENODEV)) throw error;
    } finally {
      netlink.close();
    }
  }

  #connectPod({ ip, gatewayIP }: PodWire): void {
    const netlink = new Netlink(this.#libc);
    const device = this.#indexOf("eth0");
    try {
      applySettings("eth0", POD_END);
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
