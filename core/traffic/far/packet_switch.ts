import type { View } from "../../client/client.ts";
import { type Ipv4Range, isInRange, parseIpv4Range } from "../../lib/addresses/ipv4.ts";
import { nodes } from "../../resources/core/nodes/nodes.ts";

const HEAD_BYTES_MIN = 20;
const SOURCE_AT = 12;
const DESTINATION_AT = 16;

/** Whom an IPv4 packet is from and to; `undefined` for anything else. */
export function addressesOf(packet: Uint8Array): { from: number; to: number } | undefined {
  if (packet.length < HEAD_BYTES_MIN || packet[0]! >> 4 !== 4) return undefined;
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
  return { from: view.getUint32(SOURCE_AT), to: view.getUint32(DESTINATION_AT) };
}

/** Where packets of a node go in. */
export interface SwitchPort {
  /** The bytes may change when it returns. */
  take(packet: Uint8Array): void;
  /** Nothing more comes out or goes in. */
  close(): void;
}

/**
 * Passes IP packets between nodes. A node sends from addresses of its own pods only, to those of another node; everything
 * else, such as the server's own addresses, is nobody's, and lost.
 */
export class PacketSwitch {
  readonly #view: View;
  readonly #out = new Map<string, (packet: Uint8Array) => void>();
  /** By length of prefix and first address; `undefined`: to be made anew. */
  #nodes: ReadonlyMap<number, ReadonlyMap<number, string>> | undefined;
  /** Packets that were for nobody, or not from whom they said. */
  refused = 0;

  constructor(view: View) {
    this.#view = view;
  }

  /** Forgets which node has which range when that may change. Returns the stop. */
  follow(): () => void {
    return this.#view.subscribe(nodes, () => this.#nodes = undefined);
  }

  /** Connects a node; a newer connection takes the place of the older. */
  connect(node: string, send: (packet: Uint8Array) => void): SwitchPort {
    this.#out.set(node, send);
    return {
      take: (packet) => {
        if (this.#out.get(node) === send) this.#pass(node, packet);
      },
      close: () => {
        if (this.#out.get(node) === send) this.#out.delete(node);
      },
    };
  }

  #pass(node: string, packet: Uint8Array): void {
    const addresses = addressesOf(packet);
    const target = addresses && this.#nodeAt(addresses.to);
    const isOwn = addresses !== undefined && this.#nodeAt(addresses.from) === node;
    const send = target === undefined || target === node ? undefined : this.#out.get(target);
    if (!isOwn || send === undefined) return void this.refused++;
    send(packet);
  }

  #nodeAt(address: number): string | undefined {
    const byPrefix = this.#nodes ??= this.#ranges();
    for (const [prefixLength, byFirst] of byPrefix) {
      const first = prefixLength === 0 ? 0 : (address & -1 << (32 - prefixLength)) >>> 0;
      const node = byFirst.get(first);
      if (node !== undefined) return node;
    }
    return undefined;
  }

  /** Where two nodes say that they have the same range, the one that the view names first has it. */
  #ranges(): ReadonlyMap<number, ReadonlyMap<number, string>> {
    const byPrefix = new Map<number, Map<number, string>>();
    for (const { metadata: { name }, spec: { podCIDR = "" } } of this.#view.list(nodes)) {
      const range = rangeOf(podCIDR);
      if (range === undefined) continue;
      const byFirst = byPrefix.get(range.prefixLength) ?? new Map<number, string>();
      byPrefix.set(range.prefixLength, byFirst);
      if (!byFirst.has(range.first)) byFirst.set(range.first, name);
    }
    return byPrefix;
  }
}

/** Addresses of the loopback range are valid on one machine only. */
function rangeOf(cidr: string): Ipv4Range | undefined {
  const range = parseIpv4Range(cidr);
  return range === undefined || isInRange(range.first, LOOPBACK) ? undefined : range;
}
const LOOPBACK = parseIpv4Range("127.0.0.0/8")!;
