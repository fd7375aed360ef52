import { ifAbsent } from "../../core/lib/absent.ts";
import type { Log } from "../../core/lib/log.ts";
import type { PodAddress, PodNetwork } from "./pod_network.ts";
import { AddressPool } from "./address_pool.ts";
import { areSettingsApplied, NODE_END } from "./device_settings.ts";
import { Firewall } from "./firewall.ts";
import type { Cluster } from "./firewall_rules.ts";
import { ServicePorts } from "./service_ports.ts";
import type { Plumbing, SeenLink } from "./plumbing.ts";
import {
  deviceOf,
  markOf,
  type ObservedNetwork,
  type OwnWire,
  parseMark,
  type Repair,
  repairsOf,
} from "./wiring.ts";

/** Name of the gateway's device, and of all that is named after it, by default. */
export const DEVICE = "cora0";
const NAMESPACES = "/run/netns";
/** Ethernet's. Smaller where the way to other nodes is. */
const MTU = 1500;
/** A repair may reveal what else is missing; more rounds than this do not help. */
const LOOKS_MAX = 3;

export interface NetnsNetworkOptions {
  /** The range of this node's pods. */
  podCIDR: string;
  /** The range of services: its addresses become this machine's own (AnyIP), so that the proxy can listen on each. */
  serviceCIDR?: string;
  /** Addresses for load balancers, which become this machine's own too. */
  balancerRange?: string;
  /** Name of the gateway's device, at most 15 characters; table and namespaces are named after it. */
  device?: string;
  mtu?: number;
  plumbing: Plumbing;
  log: Log;
}

/**
 * A network namespace for each pod, connected by a routed pair of devices: no bridge, so that all traffic between
 * pods passes the plain `forward` hook of the kernel. README.md beside this file has the picture.
 *
 * Nothing is remembered: a namespace is named `DEVICE-ADDRESS-UID`, so that after a restart the names say which pod has
 * which address; what else is missing is made again by {@linkcode repair}, which also removes what belongs to no pod.
 * `net.ipv4.ip_forward` is switched on and stays on: others may need it by then.
 */
export class NetnsNetwork implements PodNetwork {
  readonly kind = "namespace";
  /** Where to listen for services; `undefined`: there are none here. */
  readonly servicePorts: ServicePorts | undefined;
  readonly #pool: AddressPool;
  readonly #device: string;
  readonly #mtu: number;
  readonly #group: number;
  /** Ranges of which all addresses are this machine's own. */
  readonly #localRanges: readonly string[];
  readonly #plumbing: Plumbing;
  readonly #firewall: Firewall;
  readonly #log: Log;
  readonly #pods = new Map<string, Promise<OwnWire>>();
  /** Addresses that are set aside for pods, by uid. */
  readonly #keptAddresses = new Map<string, string>();
  /** Of pods that are just being connected or taken down. */
  readonly #busy = new Set<string>();
  readonly #listeners = new Set<(podUid: string) => void>();
  #stray: ReadonlySet<string> = new Set();
  /** Why something could not be repaired; each is logged once. */
  #problems: ReadonlySet<string> = new Set();

  constructor(options: NetnsNetworkOptions) {
    const { podCIDR, serviceCIDR, balancerRange, device = DEVICE, mtu = MTU, plumbing, log } =
      options;
    this.#pool = new AddressPool(podCIDR);
    this.#device = device;
    this.#mtu = mtu;
    this.#group = groupOf(device);
    this.#localRanges = [serviceCIDR, balancerRange].filter((range) => range !== undefined);
    this.#plumbing = plumbing;
    this.#log = log;
    this.#firewall = new Firewall({
      table: device,
      group: this.#group,
      podCIDR,
      log,
      ...(serviceCIDR !== undefined && { serviceCIDR }),
      generation: () => plumbing.rulesGeneration(),
    });
    if (serviceCIDR !== undefined) {
      this.servicePorts = new ServicePorts(serviceCIDR, this.#firewall);
    }
  }

  /** Name of the gateway's device. */
  get device(): string {
    return this.#device;
  }

  get gatewayIP(): string {
    return this.#pool.gatewayIP;
  }

  /** Whether the kernel keeps other machines from services and pods; else listeners have to. */
  get isGuarded(): boolean {
    return this.#firewall.isLoaded;
  }

  async start(): Promise<void> {
    await Deno.mkdir(NAMESPACES, { recursive: true });
    await Deno.writeTextFile("/proc/sys/net/ipv4/ip_forward", "1");
    await Promise.all([this.#firewall.load(), this.#plumbing.addGateway(this.#gateway())]);
    for (const range of this.#localRanges) await this.#plumbing.addLocalRange(range);
    await this.#adopt();
    await this.#repairWires({ thorough: true });
  }

  async add(podUid: string): Promise<PodAddress> {
    let made = this.#pods.get(podUid);
    if (made === undefined) {
      made = this.#wire(podUid, this.#keptAddresses.get(podUid) ?? this.#pool.claim());
      this.#keptAddresses.delete(podUid);
      this.#pods.set(podUid, made);
      made.catch(() => this.#pods.delete(podUid));
    }
    return addressOf(await made);
  }

  keepAddress(podUid: string, ip: string): void {
    const isKept = this.#pods.has(podUid) || this.#keptAddresses.has(podUid);
    if (isKept || !this.#pool.holds(ip) || this.#pool.isUsed(ip)) return;
    this.#pool.reserve(ip);
    this.#keptAddresses.set(podUid, ip);
  }

  has(podUid: string): boolean {
    return this.#pods.has(podUid);
  }

  async remove(podUid: string): Promise<void> {
    const kept = this.#keptAddresses.get(podUid);
    if (kept !== undefined) this.#pool.release(kept);
    this.#keptAddresses.delete(podUid);
    const wire = await this.#pods.get(podUid)?.catch(() => undefined);
    if (wire === undefined) return;
    await this.#whileBusy(wire.ip, () => this.#plumbing.removeWire(wire.namespacePath));
    if (this.#pods.delete(podUid)) this.#pool.release(wire.ip);
  }

  async list(): Promise<readonly PodAddress[]> {
    return (await this.#wires()).map(addressOf);
  }

  onLost(listener: (podUid: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Sets who else is in the cluster: towards them pods keep their own addresses, and they may reach pods. */
  async joinCluster(cluster: Cluster): Promise<void> {
    await this.#firewall.use(cluster);
  }

  /**
   * Compares what is there with what should be, and repairs it; the settings of devices only when `thorough`.
   * What cannot be repaired is logged, and left for later.
   */
  async repair({ thorough }: { thorough: boolean } = { thorough: true }): Promise<void> {
    await this.#repairWires({ thorough });
    await this.#firewall.repair();
  }

  /** Removes everything that this network has made, but the forwarding of packets. */
  async destroy(): Promise<void> {
    for (const podUid of [...this.#pods.keys()]) await this.remove(podUid);
    // What the kernel keeps with a namespace that is not quite gone, such as one whose connections still end: what is
    // still there at a second look is removed.
    for (let look = 0; look < 2; look++) await this.#repairWires({ thorough: false });
    for (const range of this.#localRanges) await this.#plumbing.removeLocalRange(range);
    await this.#plumbing.removeGateway(this.#gateway());
    await this.#firewall.remove();
  }

  close(): void {
    this.#plumbing.close();
  }

  async #repairWires({ thorough }: { thorough: boolean }): Promise<void> {
    const problems = new Set<string>();
    for (let look = 0; look < LOOKS_MAX; look++) {
      const sight = await this.#look({ thorough: thorough && look === 0 });
      const wanted = {
        gateway: this.#gateway(),
        wires: await this.#wires(),
        busy: this.#busy,
        localRanges: this.#localRanges,
      };
      const { repairs, stray } = repairsOf(wanted, sight, this.#stray);
      if (look === 0) this.#stray = stray;
      for (const repair of repairs) {
        await this.#repair(repair).catch((error: Error) => problems.add(error.message));
      }
      if (repairs.length === 0 || problems.size > 0) break;
    }
    for (const problem of problems.difference(this.#problems)) {
      this.#log.warn("Cannot repair the network of pods", { problem });
    }
    this.#problems = problems;
  }

  async #wire(podUid: string, ip: string): Promise<OwnWire> {
    const wire = this.#plan(podUid, ip);
    const { namespacePath } = wire;
    try {
      return await this.#whileBusy(ip, async () => {
        await this.#plumbing.addWire(wire);
        return { ...wire, inode: (await namespaceAt(namespacePath))! };
      });
    } catch (error) {
      await this.#plumbing.removeWire(namespacePath);
      this.#pool.release(ip);
      throw error;
    }
  }

  #plan(podUid: string, ip: string): Omit<OwnWire, "inode"> {
    const mark = markOf({ owner: this.#device, ip, podUid });
    return {
      podUid,
      ip,
      mark,
      namespacePath: `${NAMESPACES}/${mark}`,
      device: deviceOf(ip),
      group: this.#group,
      gatewayIP: this.gatewayIP,
      mtu: this.#mtu,
    };
  }

  /**
   * Finds the pods of an earlier agent by their namespaces; what else they have lost is repaired. One namespace for each
   * pod, preferably the one that is connected: its containers are there.
   */
  async #adopt(): Promise<void> {
    const { links, names } = await this.#look({ thorough: false });
    this.#warnOfOthers(links);
    const found = [...names].flatMap(([namespacePath, inode]) => {
      const mark = namespacePath.slice(NAMESPACES.length + 1);
      const named = parseMark(mark, this.#device)!;
      if (inode === undefined || !this.#pool.holds(named.ip)) return [];
      const link = links.find(({ name }) => name === deviceOf(named.ip));
      const rank = link === undefined ? 2 : link.mark === mark ? 0 : 1;
      return [{ ...named, inode, rank }];
    }).sort((a, b) => a.rank - b.rank);
    for (const { ip, podUid, inode } of found) {
      if (this.#pods.has(podUid)) continue;
      const wire = { ...this.#plan(podUid, ip), inode };
      this.#pool.reserve(ip);
      this.#pods.set(podUid, Promise.resolve(wire));
      await this.#plumbing.hold(wire.namespacePath);
    }
    const kept = new Set((await this.#wires()).map(({ namespacePath }) => namespacePath));
    for (const namespacePath of new Set(names.keys()).difference(kept)) {
      this.#log.info("Removing a pod network that no pod can have", { namespacePath });
      await this.#plumbing.removeWire(namespacePath);
    }
  }

  /** Rules and routes of two servers for the same addresses conflict, also when one has ended. */
  #warnOfOthers(links: readonly SeenLink[]): void {
    const other = links.find(({ name, addresses }) =>
      name !== this.#device && addresses.includes(this.gatewayIP)
    );
    if (other === undefined) return;
    this.#log.warn(
      `The addresses ${this.#pool.cidr} for pods are also those of "${other.name}"; choose others with --pod-cidr or, ` +
        `if that is what a server with another data folder has left, remove it with "ip link del ${other.name}" ` +
        `and "nft delete table ip ${other.name}"`,
    );
  }

  async #look({ thorough }: { thorough: boolean }): Promise<ObservedNetwork> {
    const seen = await this.#plumbing.look();
    const names = new Map<string, number | undefined>();
    for await (const { name } of Deno.readDir(NAMESPACES)) {
      if (parseMark(name, this.#device) === undefined) continue;
      const path = `${NAMESPACES}/${name}`;
      names.set(path, await namespaceAt(path));
    }
    const own = seen.links.filter(({ group }) => thorough && group === this.#group);
    const unsettled = own.map(({ name }) => name).filter((name) =>
      !areSettingsApplied(name, NODE_END)
    );
    return { ...seen, names, unsettled: new Set(unsettled) };
  }

  async #repair(repair: Repair): Promise<void> {
    if ("wire" in repair) return await this.#repairWire(repair.do, repair.wire);
    this.#log.info("Repairing the network of pods", repair);
    switch (repair.do) {
      case "addGateway":
        return await this.#plumbing.addGateway(this.#gateway());
      case "addLocalRange":
        return await this.#plumbing.addLocalRange(repair.range);
      case "removeLink":
        return await this.#plumbing.removeLink(repair.name);
      case "removeRoute":
        return await this.#plumbing.removePodRoute(repair.ip, repair.device);
      case "removeName":
        return await this.#plumbing.removeWire(repair.path);
    }
  }

  async #repairWire(
    what: Extract<Repair, { wire: OwnWire }>["do"],
    wire: OwnWire,
  ): Promise<void> {
    const { podUid, ip, namespacePath } = wire;
    if (!this.#pods.has(podUid) || this.#busy.has(ip)) return; // it is gone by now
    this.#log.warn("Repairing the network of a pod", { podUid, ip, repair: what });
    await this.#whileBusy(ip, async () => {
      if (what !== "nameAgain") return await this.#plumbing[what](wire);
      if (!await this.#plumbing.nameAgain(namespacePath)) await this.#lose(wire);
    });
  }

  /** A pod whose namespace can no longer be entered: its containers are cut off, and have to run in another one. */
  async #lose({ podUid, ip, namespacePath }: OwnWire): Promise<void> {
    await this.#plumbing.removeWire(namespacePath);
    this.#pods.delete(podUid);
    this.#pool.release(ip);
    for (const listener of this.#listeners) listener(podUid);
  }

  async #wires(): Promise<OwnWire[]> {
    const settled = await Promise.allSettled(this.#pods.values());
    return settled.flatMap((each) => each.status === "fulfilled" ? [each.value] : []);
  }

  async #whileBusy<T>(ip: string, act: () => Promise<T>): Promise<T> {
    this.#busy.add(ip);
    try {
      return await act();
    } finally {
      this.#busy.delete(ip);
    }
  }

  #gateway() {
    return { device: this.#device, ip: this.gatewayIP, cidr: this.#pool.cidr };
  }
}

function addressOf({ podUid, ip, namespacePath }: OwnWire): PodAddress {
  return { podUid, ip, namespacePath };
}

/** The number of the namespace that is at a path; `undefined` when there is none, or only a file. */
async function namespaceAt(path: string): Promise<number | undefined> {
  const [own, there] = await Promise.all([
    Deno.stat("/proc/self/ns/net"),
    Deno.stat(path).catch(ifAbsent),
  ]);
  return there && there.dev === own.dev ? there.ino ?? undefined : undefined;
}

/** A number for a name, above those that people give (FNV-1a). */
function groupOf(device: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(device)) {
    hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  }
  return (hash & 0x3fff_ffff) | 0x4000_0000;
}
