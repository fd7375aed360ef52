import type { Clock } from "../clock.ts";
import { type Libc, SystemError } from "./libc.ts";
import { Netlink } from "./netlink.ts";
import { type FilterLine } from "./socket_filter.ts";

/** Numbers of `linux/netlink.h`, `linux/rtnetlink.h` and `linux/netfilter/nfnetlink.h`. */
const NETLINK_ROUTE = 0;
const NETLINK_NETFILTER = 12;
const GROUP = { link: 0x1, ipv4Address: 0x10, ipv4Route: 0x40, nftables: 0x40 } as const;
const POLLIN = 1;
/** How long notifications are collected, so that a burst of changes is one event. */
const REST_MS = 500;

/**
 * Notifies when something in this machine's network was removed or replaced, by any process: links, IPv4 addresses and
 * routes, nftables rules. It does not say what; the listener has to look.
 *
 * Idle while nothing happens: a thread waits in the kernel, which filters the notifications (socket(7),
 * SO_ATTACH_FILTER). Additions do not wake it.
 */
export class NetworkChanges {
  readonly #libc: Libc;
  readonly #clock: Clock;
  readonly #sockets: readonly Netlink[];
  /** Written to in order to end the wait. */
  readonly #end: number;
  readonly #stop = new AbortController();
  readonly #listeners = new Set<() => void>();
  readonly #ended: Promise<void>;

  /** Listens in the network namespace of the calling thread. Throws `SystemError`. */
  constructor(libc: Libc, clock: Clock) {
    this.#libc = libc;
    this.#clock = clock;
    const groups = GROUP.link | GROUP.ipv4Address | GROUP.ipv4Route;
    const routes = Netlink.listening(libc, NETLINK_ROUTE, { groups, filter: LOSSES });
    this.#sockets = [routes, ...rulesSockets(libc)];
    this.#end = libc.must(libc.calls.eventfd(0, 0o2000000), "make an event descriptor");
    this.#ended = this.#listen();
  }

  /** Calls `listener` some milliseconds after a change or a burst of changes. Returns a function that unsubscribes. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Resolves when all descriptors are closed. */
  async close(): Promise<void> {
    if (this.#stop.signal.aborted) return await this.#ended;
    this.#stop.abort();
    this.#libc.calls.write(this.#end, new Uint8Array([1, 0, 0, 0, 0, 0, 0, 0]), 8n);
    await this.#ended;
    for (const socket of this.#sockets) socket.close();
    this.#libc.calls.close(this.#end);
  }

  async #listen(): Promise<void> {
    const { signal } = this.#stop;
    const descriptors = [this.#end, ...this.#sockets.map(({ descriptor }) => descriptor)];
    while (!signal.aborted) {
      const entries = new Int32Array(descriptors.flatMap((each) => [each, POLLIN])); // struct pollfd
      await this.#libc.calls.poll(new Uint8Array(entries.buffer), BigInt(descriptors.length), -1);
      if (signal.aborted) return;
      for (const socket of this.#sockets) socket.drain();
      for (const listener of this.#listeners) listener();
      await this.#clock.sleep(REST_MS, signal).catch(() => {}); // rejects only when it is closed
    }
  }
}

/** Message types, in the byte order of the filter. */
const TYPE = {
  newLink: swapped(16),
  deleteLink: swapped(17),
  deleteAddress: swapped(21),
  newRoute: swapped(24),
  deleteRoute: swapped(25),
  /** `NFT_MSG_NEWGEN` of `NFNL_SUBSYS_NFTABLES`: comes once for each change of the rules. */
  newGeneration: swapped(0x0a0f),
} as const;
/** Offsets into `struct nlmsghdr`, and behind it `ifinfomsg` and the first attribute, the name. */
const AT = { type: 4, highFlags: 7, linkFlags: 24, linkName: 36 } as const;
const UP = 1;
const REPLACE = 1;
/** How the names of pods' devices begin: "cv". */
const POD_DEVICE = 0x6376;

/**
 * Passes: a removed link, address or route; a replaced route; a link that is down; changes of links other than pods', such
 * as an uplink that comes back.
 */
const LOSSES: readonly FilterLine[] = [
  ["load16", AT.type],
  ["equal", TYPE.deleteLink, "pass"],
  ["equal", TYPE.deleteAddress, "pass"],
  ["equal", TYPE.deleteRoute, "pass"],
  ["equal", TYPE.newLink, "link"],
  ["equal", TYPE.newRoute, "route"],
  ["drop"],
  { label: "link" },
  ["load8", AT.linkFlags],
  ["hasBits", UP, "up"],
  ["pass"],
  { label: "up" },
  ["load16", AT.linkName],
  ["equal", POD_DEVICE, "drop"],
  ["pass"],
  { label: "route" },
  ["load8", AT.highFlags],
  ["hasBits", REPLACE, "pass"],
  { label: "drop" },
  ["drop"],
  { label: "pass" },
  ["pass"],
];

const NEW_RULES: readonly FilterLine[] = [
  ["load16", AT.type],
  ["equal", TYPE.newGeneration, "pass"],
  ["drop"],
  { label: "pass" },
  ["pass"],
];

/** Empty where the kernel has no nftables. */
function rulesSockets(libc: Libc): Netlink[] {
  try {
    const hearing = { groups: GROUP.nftables, filter: NEW_RULES };
    return [Netlink.listening(libc, NETLINK_NETFILTER, hearing)];
  } catch (error) {
    if (error instanceof SystemError) return [];
    throw error;
  }
}

/** Swaps the byte order from little to big endian. */
function swapped(type: number): number {
  return (type & 0xff) << 8 | type >> 8;
}
