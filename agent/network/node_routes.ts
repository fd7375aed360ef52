import type { View } from "../../core/client/client.ts";
import type { Clock } from "../../core/lib/clock.ts";
import { type Ipv4Range, overlap, parseIpv4Range } from "../../core/lib/addresses/ipv4.ts";
import { isEqual } from "../../core/lib/equality.ts";
import { Wake } from "../../core/lib/wake.ts";
import type { Log } from "../../core/lib/log.ts";
import { type Node, nodes } from "../../core/resources/core/nodes/nodes.ts";
import { neighboursOf } from "../../core/traffic/reach.ts";
import { type Cluster, NO_CLUSTER } from "./firewall_rules.ts";
import { type NodeRoute, nodeRoutesOf, type NotRouted, type Plumbing } from "./plumbing.ts";

/** The kernel drops routes when a link goes down, without a notice here: they are checked this often. */
const CHECK_MS = 30_000;

const DEVICE_CHARS_MAX = 15;

export interface NodeRoutesOptions {
  plumbing: Plumbing;
  network: {
    /** Name of the gateway's device. */
    readonly device: string;
    /** The node's address towards its pods: marks the routes as this network's. */
    readonly gatewayIP: string;
    joinCluster(cluster: Cluster): Promise<void>;
  };
  /** The range of this node's own pods. */
  podCIDR: string;
  log: Log;
}

/**
 * Plain routes to the pods of other nodes, through the nodes' own addresses: for nodes on one link. Nodes that are
 * further away are not reached like this.
 */
export class NodeRoutes {
  readonly #options: NodeRoutesOptions;
  readonly #own: Ipv4Range;
  /** Why a node's pods cannot be reached, by their range; each is logged once. */
  #problems = new Map<string, string>();
  readonly #wake = new Wake();
  /** Whether the kernel may have other routes than it was given. */
  #isDoubtful = true;
  readonly #listeners = new Set<() => void>();
  #routed: ReadonlySet<string> = new Set();
  #far: readonly string[] = [];

  constructor(options: NodeRoutesOptions) {
    this.#options = options;
    this.#own = parseIpv4Range(options.podCIDR)!;
  }

  /** Keeps the routes at what the nodes in the view say, until the signal aborts. The routes stay. */
  async run(
    { view, nodeName, clock, signal }: {
      view: View;
      nodeName: string;
      clock: Clock;
      signal: AbortSignal;
    },
  ): Promise<void> {
    const unsubscribe = view.subscribe(nodes, () => this.#wake.set());
    let last: unknown, checkedMs = -Infinity;
    try {
      while (!signal.aborted) {
        this.#wake.clear();
        const all = view.list(nodes);
        const next = [routesTo(all, nodeName), clusterOf(all, nodeName)] as const;
        const isDue = this.#isDoubtful || clock.elapsed() - checkedMs >= CHECK_MS;
        if (isDue || !isEqual(next, last)) { // most changes of nodes say only that they are well
          this.#isDoubtful = false;
          last = next;
          await this.use(...next);
          checkedMs = clock.elapsed();
        }
        await this.#wake.wait(signal, { clock, ms: CHECK_MS });
      }
    } finally {
      unsubscribe();
    }
  }

  /** The ranges of pods to which there is a route. */
  get routed(): ReadonlySet<string> {
    return this.#routed;
  }

  /** Calls `listener` when {@linkcode routed} has changed. Returns the stop. */
  onRouted(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Name of the device for packets of far pods: the gateway's, and a letter. */
  get packetDevice(): string {
    return `${this.#options.network.device.slice(0, DEVICE_CHARS_MAX - 1)}f`;
  }

  /** The ranges of far pods whose packets a device of our own brings: these pods are let in. */
  letIn(far: readonly string[]): void {
    this.#far = far;
    this.lookAgain();
  }

  /** Leads these ranges to a device, with this node's address towards its pods as source; those that it cannot lead there. */
  async routeByDevice(device: string, ranges: readonly string[]): Promise<NotRouted> {
    const { plumbing, network } = this.#options;
    return await plumbing.routeByDevice(
      device,
      ranges.filter((cidr) => !this.#isOwn(cidr)),
      network.gatewayIP,
    );
  }

  /** Compares the routes soon with what should be: something may have changed them. */
  lookAgain(): void {
    this.#isDoubtful = true;
    this.#wake.set();
  }

  /**
   * Makes these the routes to other nodes, and lets the cluster's pods in; what cannot be routed is logged, and tried again
   * the next time.
   */
  async use(wanted: readonly NodeRoute[], cluster: Cluster = NO_CLUSTER): Promise<void> {
    const { plumbing, network } = this.#options;
    const routes = wanted.filter(({ cidr }) => !this.#isOwn(cidr));
    const present = nodeRoutesOf(await plumbing.look(), network.gatewayIP);
    for (const route of without(present, routes)) {
      await plumbing.removeNodeRoute(route, network.gatewayIP);
    }
    const foreign = (ranges: readonly string[]) => ranges.filter((cidr) => !this.#isOwn(cidr));
    const { machine, elsewhere, nodes } = cluster;
    await network.joinCluster({
      nodes,
      machine: foreign(machine),
      elsewhere: foreign(elsewhere),
      far: foreign(this.#far),
    });
    const problems = new Map<string, string>();
    for (const route of without(routes, present)) {
      await plumbing.addNodeRoute(route, network.gatewayIP)
        .catch((error: Error) => problems.set(route.cidr, error.message));
    }
    this.#report(problems);
    this.#note(routes.flatMap(({ cidr }) => problems.has(cidr) ? [] : [cidr]));
  }

  #note(cidrs: readonly string[]): void {
    const routed = new Set(cidrs);
    if (routed.symmetricDifference(this.#routed).size === 0) return;
    this.#routed = routed;
    for (const listener of this.#listeners) listener();
  }

  /** A node with the same range would take our own pods' traffic away. */
  #isOwn(cidr: string): boolean {
    return overlap(parseIpv4Range(cidr)!, this.#own);
  }

  #report(problems: Map<string, string>): void {
    const { log } = this.#options;
    for (const [cidr, reason] of problems) {
      if (this.#problems.get(cidr) === reason) continue;
      log.warn("Cannot reach the pods of another node", { range: cidr, reason });
    }
    this.#problems = problems;
  }
}

/** The ways to the pods of the nodes of this network, but those on the same machine. Pure. */
export function routesTo(all: readonly Node[], nodeName: string): NodeRoute[] {
  return neighboursOf(all, nodeName).flatMap(({ cidr, via, place }) =>
    place === "network" && cidr !== undefined && via !== undefined ? [{ cidr, via }] : []
  );
}

/** Whose packets belong to the cluster besides those of this node's own pods. Pure. */
export function clusterOf(all: readonly Node[], nodeName: string): Cluster {
  const near = neighboursOf(all, nodeName).filter(({ place }) => place !== "elsewhere");
  const rangesOf = (place: "machine" | "network") =>
    near.flatMap((each) => each.cidr && each.via && each.place === place ? [each.cidr] : []);
  return {
    machine: rangesOf("machine"),
    elsewhere: rangesOf("network"),
    nodes: near.flatMap(({ via, place }) => via && place === "network" ? [via] : []),
    far: [],
  };
}

function without(routes: readonly NodeRoute[], others: readonly NodeRoute[]): NodeRoute[] {
  const keyOf = ({ cidr, via }: NodeRoute) => `${cidr} ${via}`;
  const known = new Set(others.map(keyOf));
  return routes.filter((route) => !known.has(keyOf(route)));
}
