import type { Taint } from "../core/resources/core/nodes/nodes.ts";
import type { KeptTokens } from "./volumes/pod_tokens.ts";
import type { Client, View } from "../core/client/client.ts";
import type { TokenSource } from "../core/client/token_source.ts";
import type { EventRecorder } from "../core/client/event_recorder.ts";
import type { Clock } from "../core/lib/clock.ts";
import type { Log } from "../core/lib/log.ts";
import type { ContainerRuntime } from "./runtimes/container_runtime.ts";
import type { PodCgroups } from "./cgroups/pod_cgroups.ts";
import type { ClusterDns } from "./dns/cluster_dns.ts";
import type { Machine } from "./node/machine.ts";
import type { NodeContext } from "./pods/node_context.ts";
import type { Reservation } from "./node/allocatable.ts";
import type { NodeStatusOptions } from "./node/node_status.ts";
import type { NodeCareSettings } from "./node_care.ts";
import type { LogLimits } from "./runtimes/log_limits.ts";
import type { PodFiles } from "./volumes/pod_files.ts";
import type { PodNetwork } from "./network/pod_network.ts";
import type { dialProbe } from "./probes/probe_dialer.ts";
import type { VolumeType } from "./volumes/volume_type.ts";
import type { Reporting } from "./reports/reporting.ts";
import type { RemoveFolder } from "./volumes/local_path_folders.ts";
import type { PodVolumes } from "./volumes/volumes.ts";

/** What an agent is given. */
export interface AgentOptions
  extends NodeCareSettings, Reporting, Pick<NodeStatusOptions, "isLeaseKept"> {
  nodeName: string;
  /** Address of the node, shown as its InternalIP and the hostIP of its pods. */
  hostIP: string;
  /** Range of its pods' addresses, for `node.spec.podCIDR`. */
  podCIDR?: string;
  /** Labels of the node besides Kubernetes' own. */
  labels?: Readonly<Record<string, string>>;
  /** With which the node registers; later they are others' to change. */
  taints?: readonly Taint[];
  /** As in `nodeInfo.kubeletVersion`. */
  version: string;
  machine: Machine;
  /** Folder for the files of pods: volumes and logs. */
  dataFolder: string;
  /** What is kept of containers' logs; the kubelet's when absent. */
  logLimits?: LogLimits;
  /** Real paths besides it that no pod may see anything of: the runtime's socket, state and storage. */
  protectedPaths?: readonly string[];
  client: Client;
  /** Must show all of the API's objects already: pods that it does not show are ended. */
  view: View;
  /**
   * Whether the view shows what the server knows now; absent: always. While it shows what was kept of an earlier time,
   * pods that it does not show are left alone: they may have come since.
   */
  isViewCurrent?(): boolean;
  runtime: ContainerRuntime;
  /** How many images may be pulled at the same time; the kubelet's one when absent. */
  pullsMax?: number;
  /** Started. */
  network: PodNetwork;
  clock: Clock;
  log: Log;
  events: Pick<EventRecorder, "record">;
  /** The files of pods; those below `dataFolder` when absent. */
  files?: PodFiles;
  /** The types of volumes that pods can have; those that are built in when absent. */
  volumeTypes?: readonly VolumeType[];
  /** Who gives tokens of service accounts; absent: nobody. */
  tokens?: TokenSource;
  /** Where tokens of pods are kept that outlive the agent; absent: nowhere. */
  keptTokens?: KeptTokens;
  /** The volumes of pods; below `dataFolder` when absent. */
  volumes?: PodVolumes;
  /** Removes the folder of a persistent volume; from the disk when absent. */
  removeFolder?: RemoveFolder;
  /** Asks the questions of probes; `dialProbe` when absent. */
  checkProbe?: typeof dialProbe;
  /**
   * Resolves when no proxy has a request for the pod any more: a ready pod that is deleted gets its SIGTERM then, or
   * when half of its grace period is over, 10 s at most. Absent: no proxy is in this process, and
   * those of other nodes get a fixed time.
   */
  untilDrained?(podUid: string, signal: AbortSignal): Promise<void>;
  /** Called when the view seems to have lost its connection unnoticed: it does not show what was written. */
  onStaleView?(): void;
  /** Where pods of the policy `ClusterFirst` ask for names; absent: whom the node asks. */
  clusterDns?: ClusterDns;
  /** Patterns of sysctls that pods may set besides the safe ones. */
  allowedUnsafeSysctls?: readonly string[];
  /** Processes that a pod may have; -1: all that the node has; absent: what the runtime gives each container. */
  podPidsMax?: number;
  /** Devices that pods may request; absent: none. */
  devices?: NonNullable<NodeContext["devices"]>;
  /** Where the containers of pods are; absent: in cgroups of the runtime. */
  cgroups?: PodCgroups;
  /** What is kept for others than pods. */
  reservations?: readonly Reservation[];
}
