import type { KubeObject } from "../resources/resource.ts";
import type { BackendCounts } from "./backend_counts.ts";
import type { RolloutSet } from "./rollout_sets.ts";

/** The kinds of which proxies say which version they serve. */
export type ServedKind = "EndpointSlice" | "HTTPRoute" | "Ingress" | "Service";

/** A way by which requests get to the pods of a set. */
export interface Way {
  readonly service: string;
  /**
   * `share`: its weight in a route, or in the shares of a Service, is above 0; `address`: an address of the Service itself;
   * `request`: only requests that are still in flight.
   */
  readonly by: "share" | "address" | "request";
  /** The node whose proxy it is. */
  readonly proxy: string;
}

/** What requests have come to of a set, by a port of a Service, since the set came to it. */
export interface SetCounts extends RolloutSet {
  readonly service: string;
  readonly port: number;
  /** The node whose proxy it is. */
  readonly proxy: string;
  readonly counts: BackendCounts;
  /** The node has not been heard of for long. */
  readonly isStale?: true;
}

/**
 * What the proxies of the cluster do at present, for whoever moves traffic by steps: proxies that can be reached are this
 * node's, and those of ready nodes. Reading it is synchronous; nobody has to ask again: `onChange` tells.
 */
export interface ServedTraffic {
  /**
   * Whether all threads of all proxies that can be reached serve this version of an object, or a later one. Also true
   * when there is no proxy.
   */
  serves(kind: ServedKind, object: KubeObject): boolean;
  /**
   * In any table in use. None: no table names the set, and its requests have ended. Before this node's proxy has its first
   * table it counts as a `request`, by no Service.
   */
  waysTo(set: RolloutSet): readonly Way[];
  /** Calls `listener` with the namespaces in which one of these answers may have changed. Returns the stop. */
  onChange(listener: (namespaces: ReadonlySet<string>) => void): () => void;
  /** Of the sets of a namespace, over all threads and proxies. */
  counts(namespace: string): Promise<readonly SetCounts[]>;
}

/** What one proxy says of the table in use. Sets are named by `servedSetKey`. */
export interface TrafficReport {
  /** By kind: the newest version that the table was made with. */
  readonly versions: Readonly<Partial<Record<ServedKind, number>>>;
  /** Sets that get requests by weight. */
  readonly shared: readonly string[];
  /** Sets behind an address of a Service. */
  readonly addressed: readonly string[];
  /** Sets without a weight that have requests in flight from before. */
  readonly busy: readonly string[];
  /** Namespaces in which objects changed since the last report. */
  readonly changed: readonly string[];
}
