import type { Uplink } from "../core/client/tunnel/tunnel_times.ts";
import type { DeviceFlag } from "../agent/devices/device_flag.ts";
import type { EventLimit } from "../core/objects/admission/plugins/event_rate_limit.ts";
import type { KubeletFlags } from "./kubelet/kubelet_options.ts";
import { LOG_LIMITS, type LogLimits } from "../agent/runtimes/log_limits.ts";
import { type FrontName } from "../core/api/front/served.ts";
import type { OptionalPlugin } from "../core/objects/admission/optional_plugins.ts";

/** How long an owner keeps the store without renewing its lease. */
export const LEASE_SECONDS_DEFAULT = 5;

/** The flags of a node, whether it is in the server's process or elsewhere. */
export interface NodeFlags extends KubeletFlags {
  data: string;
  /** Name of a runtime, or `auto`. What the flags of a runtime say lies beside this, by their names. */
  runtime: string;
  node: string;
  podCidr?: string;
  serviceCidr?: string;
  gatewayAddress: string;
  stopPods: boolean;
  /** Devices of this machine that pods may request. */
  device?: readonly DeviceFlag[];
  /** In bytes; the kubelet's default when absent. */
  containerLogMaxSize?: number;
  containerLogMaxFiles?: number;
  /** Remove everything that was created on this machine when the process ends: for the demo. */
  temporary?: boolean;
  logLevel: "debug" | "info" | "warn" | "error";
}

/** The flags of a store that several servers share. */
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
  /** Prefix of all keys, without a trailing slash. */
  prefix: string;
}

/** The flags of Kubernetes' node lifecycle controller; what is absent is as in Kubernetes. */
export interface NodeLifecycleFlags {
  /** In milliseconds. */
  nodeMonitorGracePeriod?: number;
  /** Nodes a second. */
  nodeEvictionRate?: number;
  secondaryNodeEvictionRate?: number;
  /** A share of the nodes of a zone. */
  unhealthyZoneThreshold?: number;
  largeClusterSizeThreshold?: number;
}

/** The flags of Kubernetes' node IPAM controller; what is absent is as in Kubernetes. */
export interface NodeRangeFlags {
  /** Of what nodes get their ranges of pods' addresses, in CIDR notation. */
  clusterCidr?: string;
  /** Bits of the prefix of each of them. */
  nodeCidrMaskSize?: number;
  nodeCidrMaskSizeIpv4?: number;
  nodeCidrMaskSizeIpv6?: string;
}

/** What the flags of `coracle server` say. */
export interface ServerFlags extends NodeFlags, StoreFlags, NodeLifecycleFlags, NodeRangeFlags {
  listen: { host: string; port: number };
  /** Names and addresses by which machines elsewhere reach the server, the preferred one first. */
  advertise?: readonly string[];
  /** Where metrics are served to everybody; absent: nowhere. */
  metricsListen?: { host: string; port: number };
  /** Addresses of which each Service of the type LoadBalancer gets one; absent: they have the node's. */
  lbRange?: string;
  /** What serves the API; absent: the best that this machine has. */
  front?: FrontName;
  /** Admission plugins that are off by default. */
  enableAdmissionPlugins?: readonly OptionalPlugin[];
  /** How many Events are taken; absent: any number. */
  eventRateLimits?: readonly EventLimit[];
  /** Names, addresses and ranges that metrics of analyses may ask although they are this machine's own. */
  analysisTargets?: readonly string[];
  /** Paths of the audit policy and of the log; absent: requests are not recorded. */
  auditPolicyFile?: string;
  auditLogPath?: string;
  /** Days; 0: for ever. */
  auditLogMaxage?: number;
  /** Files; 0: all. */
  auditLogMaxbackup?: number;
  /** Mebibytes. */
  auditLogMaxsize?: number;
  /** Stops the server that has the data folder, within this many seconds, and takes its place. */
  takeOver?: number;
}

/** What the flags of `coracle agent` say. */
export interface AgentFlags extends NodeFlags {
  /** E.g. `https://192.0.2.1:6443`; absent: the one that the machine has joined at, or that is in the kubeconfig. */
  server?: string;
  /** Absent: as the machine has joined. */
  kubeconfig?: string;
  /** Whether the name of the node was given, and not taken from the machine. */
  isNodeGiven?: boolean;
  /** How often the agent pings; `usual` when absent. */
  uplink?: Uplink;
}

/** How much of a container's log is kept. */
export function logLimitsOf(
  { containerLogMaxSize: bytesMax, containerLogMaxFiles: filesMax }: NodeFlags,
): LogLimits {
  return {
    bytesMax: bytesMax ?? LOG_LIMITS.bytesMax,
    filesMax: filesMax ?? LOG_LIMITS.filesMax,
  };
}
