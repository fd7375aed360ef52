import type { Plugin } from "../plugin.ts";
import { balancedAllocation } from "./balanced_allocation.ts";
import { capacity } from "./capacity.ts";
import { defaultPreemption } from "./default_preemption.ts";
import { imageLocality } from "./image_locality.ts";
import { interPodAffinity } from "./inter_pod_affinity.ts";
import { nodeAffinity } from "./node_affinity.ts";
import { nodePorts } from "./node_ports.ts";
import { nodeUnschedulable } from "./node_unschedulable.ts";
import { taintToleration } from "./taint_toleration.ts";
import { topologySpread } from "./topology_spread.ts";
import { volumeBinding } from "./volume_binding.ts";
import { volumeLimits } from "./volume_limits.ts";
import { volumeRestrictions } from "./volume_restrictions.ts";

/** In the order in which they are asked: a pod's condition quotes the first plugin that refuses a node. */
export const PLUGINS: readonly Plugin[] = [
  nodeUnschedulable,
  taintToleration,
  nodeAffinity,
  nodePorts,
  capacity,
  volumeRestrictions,
  volumeLimits,
  volumeBinding,
  topologySpread,
  interPodAffinity,
  defaultPreemption,
  balancedAllocation,
  imageLocality,
];
