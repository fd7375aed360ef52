import { isFinished } from "../../core/resources/core/pods/pod_states.ts";
import type { Pod } from "../../core/resources/core/pods/pods.ts";
import type { PodNetwork } from "./pod_network.ts";

/**
 * After a reboot pods get the addresses that they had: who knows them by these finds them, also while there is no server
 * to tell of others.
 */
export function keepAddresses(network: PodNetwork, pods: readonly Pod[]): void {
  for (const pod of pods) {
    const { metadata: { uid }, spec: { hostNetwork }, status: { podIP } } = pod;
    if (podIP !== undefined && !hostNetwork && !isFinished(pod)) network.keepAddress?.(uid, podIP);
  }
}
