import { unitsOf } from "../../core/schema/quantities.ts";
import type { NodeFeatures } from "../pods/pod_rejection.ts";
import type { Machine } from "./machine.ts";

/** What decides whether a node can run a pod as it asks. */
export function nodeFeatures(
  { machine, allowedUnsafeSysctls = [] }: {
    machine: Machine;
    allowedUnsafeSysctls?: readonly string[];
  },
): NodeFeatures {
  return {
    operatingSystem: machine.info.operatingSystem,
    hasAppArmor: machine.hasAppArmor ?? false,
    allowedUnsafeSysctls,
    memoryBytes: unitsOf(machine.capacity["memory"] ?? "0"),
    oomScoreAdjMin: machine.oomScoreAdjMin ?? 0,
  };
}
