import { isIpv4, parseIp } from "../../core/lib/addresses/ip_address.ts";

/** Connections of clients at one listener, in one thread. */
export const LISTENER_CONNECTIONS_MAX = 4096;
/** Of them, those of one peer: an IPv4 address, or the /64 of an IPv6 address. */
export const PEER_CONNECTIONS_MAX = 1024;
/** Connections at all listeners of a kind: those of Gateways, or those of Services. */
export const KIND_CONNECTIONS_MAX = 8192;

/** A client's connection that has a slot. */
export interface SlotHolder {
  /** Since when it has been idle; `undefined`: it is in use. */
  readonly idleSinceMs: number | undefined;
  close(): void;
}

export interface SlotLimits {
  kindMax: number;
  listenerMax: number;
  peerMax: number;
}

const LIMITS: SlotLimits = {
  kindMax: KIND_CONNECTIONS_MAX,
  listenerMax: LISTENER_CONNECTIONS_MAX,
  peerMax: PEER_CONNECTIONS_MAX,
};

type Peers = Map<string, Set<SlotHolder>>;

/**
 * Limits how many connections clients may have at the listeners of a kind. When there is no slot left, the oldest idle connection is closed: of the
 * newcomer itself when it has as many as one peer may have, else of the peer that has the most. So idle connections shut
 * nobody out, and who opens many loses his own.
 */
export class ConnectionSlots {
  readonly #limits: SlotLimits;
  readonly #listeners = new Map<string, Peers>();
  readonly #counts = new Map<string, number>();
  #count = 0;

  constructor(limits: Partial<SlotLimits> = {}) {
    this.#limits = { ...LIMITS, ...limits };
  }

  /**
   * Makes room for one more connection of `peer`; idle ones may be closed for it. `isTrusted`: a proxy, which stands for
   * many clients. False: there is no slot left and no idle connection.
   */
  makeRoom(listener: string, peer: string, { isTrusted }: { isTrusted: boolean }): boolean {
    const { kindMax, listenerMax, peerMax } = this.#limits;
    const peers = this.#listeners.get(listener);
    const own = peers?.get(peer);
    if (own && !isTrusted && own.size >= peerMax) return this.#closeIdle([[listener, [own]]]);
    if (peers && (this.#counts.get(listener) ?? 0) >= listenerMax) {
      return this.#closeIdle([[listener, peers.values()]]);
    }
    if (this.#count < kindMax) return true;
    return this.#closeIdle([...this.#listeners].map(([name, peers]) => [name, peers.values()]));
  }

  /** Claims a slot. Returns how to release it; doing that twice is doing it once. */
  claim(listener: string, peer: string, connection: SlotHolder): () => void {
    const peers: Peers = this.#listeners.get(listener) ?? new Map();
    this.#listeners.set(listener, peers);
    const own = peers.get(peer) ?? new Set();
    peers.set(peer, own.add(connection));
    this.#add(listener, 1);
    return () => {
      if (own.delete(connection)) this.#add(listener, -1);
      if (own.size === 0 && peers.get(peer) === own) peers.delete(peer);
      if (peers.size === 0 && this.#listeners.get(listener) === peers) {
        this.#listeners.delete(listener);
      }
    };
  }

  /** Closes the oldest idle connection of the peer that has the most, among those that have one. */
  #closeIdle(
    listeners: readonly [name: string, peers: Iterable<Set<SlotHolder>>][],
  ): boolean {
    let most: { listener: string; own: Set<SlotHolder>; idle: SlotHolder } | undefined;
    for (const [listener, peers] of listeners) {
      for (const own of peers) {
        if (most !== undefined && own.size <= most.own.size) continue;
        const idle = oldestIdle(own);
        if (idle !== undefined) most = { listener, own, idle };
      }
    }
    if (most === undefined) return false;
    if (most.own.delete(most.idle)) this.#add(most.listener, -1);
    most.idle.close();
    return true;
  }

  #add(listener: string, change: number): void {
    this.#count += change;
    const count = (this.#counts.get(listener) ?? 0) + change;
    if (count > 0) this.#counts.set(listener, count);
    else this.#counts.delete(listener);
  }
}

function oldestIdle(connections: Iterable<SlotHolder>): SlotHolder | undefined {
  let oldest: SlotHolder | undefined;
  for (const connection of connections) {
    const { idleSinceMs } = connection;
    if (idleSinceMs !== undefined && idleSinceMs < (oldest?.idleSinceMs ?? Infinity)) {
      oldest = connection;
    }
  }
  return oldest;
}

/** What the connections of an address count for: the address itself, or the network of 64 bits that one host has (RFC 4291 §2.5.1). */
export function peerOf(address: string): string {
  const ip = parseIp(address);
  if (ip === undefined) return address;
  return isIpv4(ip) ? ip.slice(12).join(".") : `${ip.slice(0, 8).join(".")}/64`;
}
