import type { View } from "../../core/client/client.ts";
import type { Clock } from "../../core/lib/clock.ts";
import { overlap, parseIpv4, parseIpv4Range } from "../../core/lib/addresses/ipv4.ts";
import { Wake } from "../../core/lib/wake.ts";
import type { Log } from "../../core/lib/log.ts";
import { type Node, nodes } from "../../core/resources/core/nodes/nodes.ts";
import { type Cluster, NO_CLUSTER } from "./firewall_rules.ts";
import { type NodeRoute, nodeRoutesOf, type Plumbing } from "./plumbing.ts";

/** The kernel drops routes when a link goes down, without a notice here: they are checked this often. */
const CHECK_MS = 30_000;

export interface NodeRoutesOptions {
  plumbing: Plumbing;
  network: {
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
  /** Why a node's pods cannot be reached, by their range; each is logged once. */
  #problems = new Map<string, string>();
  readonly #wake = new Wake();

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
    const unsubscribe = view.subscribe(nodes, () => this.lookAgain());
    try {
      while (!signal.aborted) {
        this.#wake.clear();
        const all = view.list(nodes);
        await this.use(routesTo(all, nodeName), clusterOf(all, nodeName));
        await this.#wake.wait(signal, { clock, ms: CHECK_MS });
      }
    } finally {
      unsubscribe();
    }
  }

  /** Compares the routes soon with what should be: something may have changed them. */
  lookAgain(): void {
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
    });
    const problems = new Map<string, string>();
    for (const route of without(routes, present)) {
      await plumbing.addNodeRoute(route, network.gatewayIP)
        .catch((error: Error) => problems.set(route.cidr, error.message));
    }
    this.#report(problems);
  }

  /** A node with the same range would take our own pods' traffic away. */
  #isOwn(cidr: string): boolean {
    return overlap(parseIpv4Range(cidr)!, parseIpv4Range(this.#options.podCIDR)!);
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

/** The ways to the pods of all nodes but this one, and those on the same machine. Pure. */
export function routesTo(all: readonly Node[], nodeName: string): NodeRoute[] {
  return othersIn(all, nodeName)
    .flatMap(({ cidr, via, isHere }) => isHere || cidr === undefined ? [] : [{ cidr, via }]);
}

/** Whose packets belong to the cluster besides those of this node's own pods. Pure. */
export function clusterOf(all: readonly Node[], nodeName: string): Cluster {
  const others = othersIn(all, nodeName);
  const ranges = (here: boolean) =>
    others.flatMap(({ cidr, isHere }) => cidr !== undefined && isHere === here ? [cidr] : []);
  return {
    machine: ranges(true),
    elsewhere: ranges(false),
    nodes: others.flatMap(({ via, isHere }) => isHere ? [] : [via]),
  };
}

/** Every other node: the range of its pods, if they have one; its address; whether it is on this machine. */
function othersIn(all: readonly Node[], nodeName: string) {
  const own = all.find(({ metadata }) => metadata.name === nodeName);
  const ownAddress = own && addressOf(own);
  return all.flatMap((node) => {
    const via = addressOf(node);
    if (node === own || via === undefined) return [];
    const { podCIDR } = node.spec;
    const isRange = podCIDR !== undefined && parseIpv4Range(podCIDR) !== undefined &&
      !podCIDR.startsWith("127.");
    return [{ cidr: isRange ? podCIDR : undefined, via, isHere: via === ownAddress }];
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
