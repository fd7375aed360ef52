import type { Plugin } from "../plugin.ts";
import { capacity } from "./capacity.ts";
import { nodeAffinity } from "./node_affinity.ts";
import { nodePorts } from "./node_ports.ts";
import { nodeUnschedulable } from "./node_unschedulable.ts";
import { spreading } from "./spreading.ts";
import { taintToleration } from "./taint_toleration.ts";
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
  spreading,
];
