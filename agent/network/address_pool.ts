import {
  formatIpv4,
  isInRange,
  parseIpv4,
  parseIpv4Range,
  sizeOfRange,
} from "../../core/lib/addresses/ipv4.ts";

/**
 * Hands out the addresses of a node's range: the first is the gateway's, the last (broadcast) is nobody's. An
 * address that was let go is the last to be handed out again, so that nobody mistakes a new pod for an old one.
 */
export class AddressPool {
  readonly #first: number;
  readonly #size: number;
  readonly #used = new Set<number>();
  #last = 1;

  /** Throws when `cidr` is not an IPv4 range of at least four addresses. */
  constructor(readonly cidr: string) {
    const range = parseIpv4Range(cidr);
    if (range === undefined || range.prefixLength > 30) {
      throw new Error(
        `Cannot give pods addresses of "${cidr}": it is not an IPv4 range of four addresses or more`,
      );
    }
    this.#first = range.first;
    this.#size = sizeOfRange(range);
  }

  get gatewayIP(): string {
    return formatIpv4(this.#first + 1);
  }

  /** Whether pods may have this address. */
  holds(ip: string): boolean {
    const address = parseIpv4(ip);
    const range = { first: this.#first + 2, size: this.#size - 3 };
    return address !== undefined && isInRange(address, parseIpv4Range(this.cidr)!) &&
      address >= range.first && address < range.first + range.size;
  }

  isUsed(ip: string): boolean {
    return this.#used.has(parseIpv4(ip)!);
  }

  /** Marks an address as taken. */
  reserve(ip: string): void {
    this.#used.add(parseIpv4(ip)!);
    this.#last = Math.max(this.#last, parseIpv4(ip)! - this.#first);
  }

  /** The next free address. Throws when all are used. */
  claim(): string {
    for (let step = 1; step <= this.#size; step++) {
      const offset = (this.#last + step) % this.#size;
      const address = this.#first + offset;
      if (offset < 2 || offset === this.#size - 1 || this.#used.has(address)) continue;
      this.#used.add(address);
      this.#last = offset;
      return formatIpv4(address);
    }
    throw new Error(`Cannot give the pod an address: all of "${this.cidr}" are used`);
  }

  release(ip: string): void {
    this.#used.delete(parseIpv4(ip)!);
  }
}
