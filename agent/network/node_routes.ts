import type { View } from "../../core/client/client.ts";
import type { Clock } from "../../core/lib/clock.ts";
import { overlap, parseIpv4, parseIpv4Range } from "../../core/lib/ipv4.ts";
import type { Log } from "../../core/lib/log.ts";
import { type Node, nodes } from "../../core/resources/nodes.ts";
import type { NodeRoute, Plumbing } from "./plumbing.ts";

/** The kernel drops routes when a link goes down, and tells nobody here: they are looked at this often. */
const CHECK_MS = 30_000;

export interface NodeRoutesOptions {
  plumbing: Plumbing;
  network: {
    /** The node's address towards its pods: marks the routes as this network's. */
    readonly gatewayIP: string;
    joinRanges(cidrs: readonly string[]): Promise<void>;
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
  /** Why a node's pods cannot be reached, by their range; each is logged once. */
  #problems = new Map<string, string>();

  constructor(options: NodeRoutesOptions) {
    this.#options = options;
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
    let changed = Promise.withResolvers<void>();
    const unsubscribe = view.subscribe(nodes, () => changed.resolve());
    try {
      while (!signal.aborted) {
        changed = Promise.withResolvers<void>();
        await this.use(routesTo(view.list(nodes), nodeName));
        const rest = new AbortController();
        const either = AbortSignal.any([signal, rest.signal]);
        await Promise.race([changed.promise, clock.sleep(CHECK_MS, either)])
          .catch(() => {}); // only the signals end the sleep early
        rest.abort();
      }
    } finally {
      unsubscribe();
    }
  }

  /** Makes these the routes to other nodes; what cannot be routed is logged, and tried again the next time. */
  async use(wanted: readonly NodeRoute[]): Promise<void> {
    const { plumbing, network } = this.#options;
    const routes = wanted.filter(({ cidr }) => !this.#isOwn(cidr));
    const present = await plumbing.nodeRoutes(network.gatewayIP);
    for (const route of without(present, routes)) {
      await plumbing.removeNodeRoute(route, network.gatewayIP);
    }
    await network.joinRanges(routes.map(({ cidr }) => cidr).sort());
    const problems = new Map<string, string>();
    for (const route of without(routes, present)) {
      await plumbing.addNodeRoute(route, network.gatewayIP)
        .catch((error: Error) => problems.set(route.cidr, error.message));
    }
    this.#tell(problems);
  }

  /** A node with the same range would take our own pods' traffic away. */
  #isOwn(cidr: string): boolean {
    return overlap(parseIpv4Range(cidr)!, parseIpv4Range(this.#options.podCIDR)!);
  }

  #tell(problems: Map<string, string>): void {
    const { log } = this.#options;
    for (const [cidr, reason] of problems) {
      if (this.#problems.get(cidr) === reason) continue;
      log.warn("Cannot reach the pods of another node", { range: cidr, reason });
    }
    this.#problems = problems;
  }
}

/** The ways to the pods of all nodes but this one, and those on the same machine. Pure. */
export function routesTo(all: readonly Node[], nodeName: string): NodeRoute[] {
  const own = all.find(({ metadata }) => metadata.name === nodeName);
  const ownAddress = own && addressOf(own);
  return all.flatMap((node) => {
    const cidr = node.spec.podCIDR;
    const via = addressOf(node);
    if (node === own || via === undefined || via === ownAddress) return [];
    if (cidr === undefined || parseIpv4Range(cidr) === undefined) return [];
    return cidr.startsWith("127.") ? [] : [{ cidr, via }];
  });
}

function addressOf({ status }: Node): string | undefined {
  const address = status.addresses?.find(({ type }) => type === "InternalIP")?.address;
  return address === undefined || parseIpv4(address) === undefined ? undefined : address;
}

function without(routes: readonly NodeRoute[], others: readonly NodeRoute[]): NodeRoute[] {
  return routes.filter(({ cidr, via }) =>
    !others.some((other) => other.cidr === cidr && other.via === via)
  );
}
