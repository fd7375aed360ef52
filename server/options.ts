import { LOG_LIMITS, type LogLimits } from "../agent/runtimes/log_limits.ts";
import { type FrontName } from "../core/api/front/served.ts";

/** How long an owner that says nothing keeps the store. */
export const LEASE_SECONDS_DEFAULT = 5;

/** What the flags say of a node: of the one in the server, and of one that is elsewhere. */
export interface NodeFlags {
  data: string;
  /** Name of a runtime, or `auto`. What the flags of a runtime say lies beside this, by their names. */
  runtime: string;
  node: string;
  podCidr?: string;
  serviceCidr?: string;
  gatewayAddress: string;
  stopPods: boolean;
  /** In bytes; the kubelet's default when absent. */
  containerLogMaxSize?: number;
  containerLogMaxFiles?: number;
  /** Remove all that was made on this machine at the end: for the demo. */
  temporary?: boolean;
  logLevel: "debug" | "info" | "warn" | "error";
}

/** What the flags say of an engine that servers share. */
export interface StoreFlags {
  /** Where the store is; absent: in a file of the data folder. */
  store?: StoreUrl;
  storeCacert?: string;
  storeCert?: string;
  storeKey?: string;
  storeUser?: { name: string; password: string };
  /** Seconds. */
  storeLease?: number;
  /** Serve reads too while another server owns the store. */
  standbyReads?: boolean;
}

/** An engine, and where it is. */
export type StoreUrl = EtcdUrl | {
  engine: "kv";
  /** Of a server of KV Connect. */
  url: string;
};

export interface EtcdUrl {
  engine: "etcd";
  endpoints: readonly string[];
  /** Before all keys, without a slash at its end. */
  prefix: string;
}

/** What the flags of `coracle server` say. */
export interface ServerFlags extends NodeFlags, StoreFlags {
  listen: { host: string; port: number };
  /** What carries the API; absent: the best that this machine has. */
  front?: FrontName;
  /** Ends the server that has the data, within so many seconds, and goes on where it was. */
  takeOver?: number;
}

/** What the flags of `coracle agent` say. */
export interface AgentFlags extends NodeFlags {
  /** E.g. `https://192.0.2.1:6443`; absent: the one in the kubeconfig. */
  server?: string;
  kubeconfig: string;
}

/** What is kept of a container's log. */
export function logLimitsOf(
  { containerLogMaxSize: bytesMax, containerLogMaxFiles: filesMax }: NodeFlags,
): LogLimits {
  return {
    bytesMax: bytesMax ?? LOG_LIMITS.bytesMax,
    filesMax: filesMax ?? LOG_LIMITS.filesMax,
  };
}
