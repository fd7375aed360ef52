import type { PodAddress, PodNetwork } from "./pod_network.ts";
import { AddressPool } from "./address_pool.ts";

/** The range that is used when none is given. Linux answers on all of 127.0.0.0/8. */
export const LOOPBACK_CIDR = "127.42.0.0/24";

/**
 * A pod network without root: each pod gets an address of the loopback range and shares the node's network.
 * Nothing keeps pods apart: a program must listen on `$POD_IP`, not on all addresses, or two replicas collide.
 *
 * Which pod has which address is kept as names of empty files (`ADDRESS_UID`), so that it survives a restart.
 */
export class LoopbackNetwork implements PodNetwork {
  readonly kind = "loopback";
  readonly #folder: string;
  readonly #pool: AddressPool;
  readonly #addresses = new Map<string, string>();

  constructor({ folder, cidr = LOOPBACK_CIDR }: { folder: string; cidr?: string }) {
    this.#folder = folder;
    this.#pool = new AddressPool(cidr);
  }

  get gatewayIP(): string {
    return this.#pool.gatewayIP;
  }

  async start(): Promise<void> {
    await Deno.mkdir(this.#folder, { recursive: true });
    for await (const { name } of Deno.readDir(this.#folder)) {
      const [ip = "", podUid = ""] = name.split("_");
      if (!this.#pool.holds(ip) || this.#addresses.has(podUid)) {
        await Deno.remove(`${this.#folder}/${name}`); // of another range, from before
        continue;
      }
      this.#pool.reserve(ip);
      this.#addresses.set(podUid, ip);
    }
  }

  async add(podUid: string): Promise<PodAddress> {
    const known = this.#addresses.get(podUid);
    if (known !== undefined) return { podUid, ip: known };
    const ip = this.#pool.claim();
    this.#addresses.set(podUid, ip);
    await Deno.writeFile(`${this.#folder}/${ip}_${podUid}`, new Uint8Array());
    return { podUid, ip };
  }

  has(podUid: string): boolean {
    return this.#addresses.has(podUid);
  }

  /** Nobody takes a loopback address away. */
  onLost(): () => void {
    return () => {};
  }

  async remove(podUid: string): Promise<void> {
    const ip = this.#addresses.get(podUid);
    if (ip === undefined) return;
    this.#addresses.delete(podUid);
    await Deno.remove(`${this.#folder}/${ip}_${podUid}`);
    this.#pool.release(ip);
  }

  list(): Promise<readonly PodAddress[]> {
    return Promise.resolve(Array.from(this.#addresses, ([podUid, ip]) => ({ podUid, ip })));
  }

  async destroy(): Promise<void> {
    await Deno.remove(this.#folder, { recursive: true });
  }

  close(): void {}
}
