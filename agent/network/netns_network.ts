import { formatIpv4, parseIpv4 } from "../../core/lib/ipv4.ts";
import { mountPoints } from "../../core/lib/linux/mount_table.ts";
import type { Log } from "../../core/lib/log.ts";
import type { PodAddress, PodNetwork } from "../pod_network.ts";
import { AddressPool } from "./address_pool.ts";
import { addMasquerade, type Masquerade, removeMasquerade } from "./masquerade.ts";
import type { Plumbing } from "./plumbing.ts";

const NAMESPACES = "/run/netns";
/** Ethernet's. Smaller where the way to other nodes is. */
const MTU = 1500;

export interface NetnsNetworkOptions {
  /** The range of this node's pods. */
  podCIDR: string;
  /** Ranges of all pods and services of the cluster, into which pods keep their addresses. */
  clusterCIDRs?: readonly string[];
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
 * Nothing is remembered: a namespace is named `DEVICE-ADDRESS-UID`, so that after a restart the names and the
 * kernel's routes say which pod has which address. What a killed predecessor left half made is removed.
 * `net.ipv4.ip_forward` is switched on and stays on: others may need it by then.
 */
export class NetnsNetwork implements PodNetwork {
  readonly kind = "namespace";
  readonly #pool: AddressPool;
  readonly #device: string;
  readonly #mtu: number;
  readonly #plumbing: Plumbing;
  readonly #log: Log;
  readonly #ownCIDRs: readonly string[];
  #masquerade: Masquerade;
  readonly #pods = new Map<string, Promise<PodAddress>>();

  constructor(options: NetnsNetworkOptions) {
    const { podCIDR, clusterCIDRs = [], device = "cora0", mtu = MTU, plumbing, log } = options;
    this.#pool = new AddressPool(podCIDR);
    this.#device = device;
    this.#mtu = mtu;
    this.#plumbing = plumbing;
    this.#log = log;
    this.#ownCIDRs = clusterCIDRs.length === 0 ? [podCIDR] : clusterCIDRs;
    this.#masquerade = { table: device, podCIDR, clusterCIDRs: this.#ownCIDRs };
  }

  get gatewayIP(): string {
    return this.#pool.gatewayIP;
  }

  async start(): Promise<void> {
    await Deno.mkdir(NAMESPACES, { recursive: true });
    await Deno.writeTextFile("/proc/sys/net/ipv4/ip_forward", "1");
    await this.#plumbing.addGateway(this.#gateway());
    const problem = await addMasquerade(this.#masquerade);
    if (problem !== undefined) {
      this.#log.warn("Cannot let pods reach the outside: they have no address there", { problem });
    }
    await this.#adopt();
  }

  async add(podUid: string): Promise<PodAddress> {
    const known = this.#pods.get(podUid);
    if (known !== undefined) return await known;
    const made = this.#wire(podUid, this.#pool.claim());
    this.#pods.set(podUid, made);
    made.catch(() => this.#pods.delete(podUid));
    return await made;
  }

  async remove(podUid: string): Promise<void> {
    const address = await this.#pods.get(podUid)?.catch(() => undefined);
    if (address === undefined) return;
    await this.#plumbing.removeWire(address.namespacePath!);
    this.#pods.delete(podUid);
    this.#pool.release(address.ip);
  }

  async list(): Promise<readonly PodAddress[]> {
    const settled = await Promise.allSettled(this.#pods.values());
    return settled.flatMap((each) => each.status === "fulfilled" ? [each.value] : []);
  }

  /** Says which ranges pods of other nodes have: pods keep their own addresses towards them. */
  async joinRanges(cidrs: readonly string[]): Promise<void> {
    const clusterCIDRs = [...new Set([...this.#ownCIDRs, ...cidrs])];
    if (clusterCIDRs.join() === this.#masquerade.clusterCIDRs.join()) return;
    const masquerade = { ...this.#masquerade, clusterCIDRs };
    const problem = await addMasquerade(masquerade);
    if (problem === undefined) this.#masquerade = masquerade;
    else this.#log.warn("Cannot let pods be known by their addresses elsewhere", { problem });
  }

  /** Removes everything that this network has made, but the forwarding of packets. */
  async destroy(): Promise<void> {
    for (const podUid of [...this.#pods.keys()]) await this.remove(podUid);
    await this.#plumbing.removeGateway(this.#gateway());
    await removeMasquerade(this.#masquerade);
  }

  close(): void {
    this.#plumbing.close();
  }

  async #wire(podUid: string, ip: string): Promise<PodAddress> {
    const number = parseIpv4(ip)!.toString(16).padStart(8, "0");
    const namespacePath = `${NAMESPACES}/${this.#device}-${number}-${podUid}`;
    const device = `cv${number}`;
    try {
      await this.#plumbing.addWire({
        ...{ namespacePath, device, ip, gatewayIP: this.gatewayIP, mtu: this.#mtu },
      });
      // A pod that sends with an address that is not its own is not heard (RFC 3704, strict).
      await Deno.writeTextFile(`/proc/sys/net/ipv4/conf/${device}/rp_filter`, "1");
    } catch (error) {
      await this.#plumbing.removeWire(namespacePath);
      this.#pool.release(ip);
      throw error;
    }
    return { podUid, ip, namespacePath };
  }

  /** Finds the pods of a predecessor: their namespaces are mounted and their addresses are routed. */
  async #adopt(): Promise<void> {
    const mounted = new Set(mountPoints(await Deno.readTextFile("/proc/self/mountinfo")));
    const wired = await this.#plumbing.wiredAddresses();
    for await (const { name } of Deno.readDir(NAMESPACES)) {
      const namespacePath = `${NAMESPACES}/${name}`;
      const named = this.#parseName(name);
      if (named === undefined) continue;
      const { ip, podUid } = named;
      const isWhole = this.#pool.holds(ip) && wired.has(ip) && mounted.has(namespacePath);
      if (!isWhole || this.#pods.has(podUid)) {
        this.#log.info("Removing a pod network that was left half made", { podUid, ip });
        await this.#plumbing.removeWire(namespacePath);
        continue;
      }
      this.#pool.reserve(ip);
      this.#pods.set(podUid, Promise.resolve({ podUid, ip, namespacePath }));
    }
  }

  #parseName(name: string): { ip: string; podUid: string } | undefined {
    const prefix = `${this.#device}-`;
    if (!name.startsWith(prefix)) return undefined;
    const [, number, podUid] = /^([0-9a-f]{8})-(.+)$/.exec(name.slice(prefix.length)) ?? [];
    if (number === undefined || podUid === undefined) return undefined;
    return { ip: formatIpv4(parseInt(number, 16)), podUid };
  }

  #gateway() {
    return { device: this.#device, ip: this.gatewayIP, cidr: this.#pool.cidr };
  }
}
