import type { Route } from "../upstream/forwarder.ts";
import type { ServiceNames } from "../zone/service_names.ts";

/** What a thread needs to know to begin. */
export interface DnsSettings {
  /** E.g. `cluster.local`. */
  domain: string;
  /** IPv4 address of cluster DNS, and the port; 0: any free one, for tests. */
  address: string;
  port: number;
  /** Whose reverse names are the cluster's own: the ranges of Services and of pods. */
  ranges: readonly string[];
  /** Where the node's own name servers are read from. */
  resolvConf: string;
}

/** What has changed in the cluster; the same again does no harm. */
export interface NameChanges {
  /** By `namespace/name`; `undefined`: it is gone. */
  services: readonly (readonly [key: string, names: ServiceNames | undefined])[];
  /** Whether a namespace is there. */
  namespaces: readonly (readonly [name: string, isThere: boolean])[];
  /** Domains with servers of their own; absent: as before. */
  routes?: readonly Route[];
}

export type ToDns =
  | { type: "start"; settings: DnsSettings }
  | { type: "change"; changes: NameChanges }
  | { type: "stop" };

export type FromDns =
  | { type: "listening"; port: number }
  /** It will try again. */
  | { type: "failed"; message: string }
  /** Questions that were asked elsewhere come back to this server. */
  | { type: "loop" }
  | { type: "stopped" };
