import type { Client, View } from "../../core/client/client.ts";
import type { EventRecorder } from "../../core/client/event_recorder.ts";
import type { PodCgroups } from "../cgroups/pod_cgroups.ts";
import type { ClusterDns } from "../dns/cluster_dns.ts";
import type { Clock } from "../../core/lib/clock.ts";
import type { Log } from "../../core/lib/log.ts";
import type { Reporting } from "../reports/reporting.ts";
import type { ImagePuller } from "../images/image_puller.ts";
import type { ProbeCounts } from "../stats/probe_counts.ts";
import type { ContainerRuntime } from "../runtimes/container_runtime.ts";
import type { PodNetwork } from "../network/pod_network.ts";
import type { PodFiles } from "../volumes/pod_files.ts";
import type { dialProbe } from "../probes/probe_dialer.ts";
import type { Slots } from "../../core/lib/slots.ts";
import type { Pod } from "../../core/resources/core/pods/pods.ts";
import type { Namesakes } from "./namesakes.ts";
import type { PodRejection } from "./runs/observed_pod.ts";
import type { NodeFeatures } from "./pod_rejection.ts";
import type { Allocation } from "./runs/allocation.ts";
import type { NodeDevices } from "../devices/node_devices.ts";
import type { PodVolumes } from "../volumes/volumes.ts";

/** What all pods of a node share. */
export interface NodeContext extends Reporting {
  readonly nodeName: string;
  readonly hostIP: string;
  readonly dataFolder: string;
  readonly client: Client;
  readonly view: View;
  readonly runtime: ContainerRuntime;
  readonly images: ImagePuller;
  readonly probeCounts: ProbeCounts;
  readonly network: PodNetwork;
  readonly files: PodFiles;
  readonly volumes: PodVolumes;
  readonly clock: Clock;
  readonly log: Log;
  readonly events: Pick<EventRecorder, "record">;
  readonly features: NodeFeatures;
  /** What pods can use of the node. */
  readonly allocatable: Readonly<Record<string, string>>;
  /** The uid of the pod of each container that is known, by the container's id. Kept by the pods' records. */
  readonly podOfContainer: Map<string, string>;
  /** What is set aside for each pod, by its uid. Kept by the pods' workers. */
  readonly allocations: Map<string, Allocation>;
  /** Devices that pods may request. */
  readonly devices?: NodeDevices;
  /** Which pods have one name. Kept by the agent. */
  readonly namesakes: Namesakes;
  /** Container starts wait here for their turn. */
  readonly startSlots: Slots;
  /** Exec probes wait here for their turn. */
  readonly execSlots: Slots;
  /** Asks one probe's question; `dialProbe` when absent. */
  readonly checkProbe?: typeof dialProbe;
  /** Why the node does not take a pod that has come to it; absent: it takes all. */
  admit?(pod: Pod): PodRejection | undefined;
  /** Resolves when no proxy has a request for the pod any more; where nobody knows, some time has to do. */
  untilDrained?(podUid: string, signal: AbortSignal): Promise<void>;
  /** Where pods of the policy `ClusterFirst` ask for names; absent where this node serves none: they ask whom the node asks. */
  readonly clusterDns?: ClusterDns;
  /** Processes that a pod may have; -1: all; absent: what the runtime gives each container. */
  readonly podPidsMax?: number;
  /** Where the containers of pods are; absent: in cgroups of the runtime. */
  readonly cgroups?: PodCgroups;
}
