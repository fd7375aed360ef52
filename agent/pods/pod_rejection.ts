import type { DeviceShortage, NodeDevices } from "../devices/node_devices.ts";
import { ownField } from "../../core/lib/own_field.ts";
import { containersOf } from "../../core/resources/core/pods/spec/pod_containers.ts";
import type { Pod } from "../../core/resources/core/pods/pods.ts";
import type { PodRejection } from "./runs/observed_pod.ts";
import { sysctlFault } from "../runtimes/sysctls.ts";

/** What a node can do for its pods. */
export interface NodeFeatures {
  operatingSystem: string;
  /** Whether its kernel enforces profiles of AppArmor. */
  hasAppArmor: boolean;
  /** Patterns of sysctls that pods may set besides the safe ones. */
  allowedUnsafeSysctls: readonly string[];
  /** 0: not known. */
  memoryBytes: number;
  /** The least `oom_score_adj` that this process may give. */
  oomScoreAdjMin: number;
}

/** The label that says the operating system of a pod or a node. */
const OS_LABEL = "kubernetes.io/os";

/**
 * Why a pod that has not started yet fails on this node; `undefined`: it may run. Reasons and words are those of the
 * kubelet: `pkg/kubelet/lifecycle`, `pkg/kubelet/sysctl`, `pkg/security/apparmor`. Pure.
 */
export function rejectionOf(pod: Pod, features: NodeFeatures): PodRejection | undefined {
  if (pod.status.startTime !== undefined) return undefined;
  return osRejection(pod, features) ?? sysctlRejection(pod, features) ??
    appArmorRejection(pod, features);
}

function osRejection(
  { metadata, spec }: Pod,
  { operatingSystem }: NodeFeatures,
): PodRejection | undefined {
  const label = ownField(metadata.labels, OS_LABEL);
  if (label !== undefined && label !== operatingSystem) {
    return {
      reason: "PodOSSelectorNodeLabelDoesNotMatch",
      message: `Failed to admit pod as the \`${OS_LABEL}\` label doesn't match node label`,
    };
  }
  if (spec.os === undefined || spec.os.name === operatingSystem) return undefined;
  const message = "Failed to admit pod as the OS field doesn't match node OS";
  return { reason: "PodOSNotSupported", message };
}

function sysctlRejection(
  { spec }: Pod,
  { allowedUnsafeSysctls }: NodeFeatures,
): PodRejection | undefined {
  const { sysctls = [] } = spec.securityContext;
  const faults = sysctls.map(({ name }) => sysctlFault(name, spec, allowedUnsafeSysctls));
  const fault = faults.find((each) => each !== undefined);
  return fault === undefined
    ? undefined
    : { reason: "SysctlForbidden", message: `forbidden sysctl: ${fault}` };
}

function appArmorRejection(
  { spec }: Pod,
  { hasAppArmor }: NodeFeatures,
): PodRejection | undefined {
  if (hasAppArmor) return undefined;
  const contexts = [
    spec.securityContext,
    ...containersOf(spec).map(({ container }) => container.securityContext),
  ];
  const isAsked = contexts.some((context) =>
    context?.appArmorProfile !== undefined && context.appArmorProfile.type !== "Unconfined"
  );
  if (!isAsked) return undefined;
  const message = "Cannot enforce AppArmor: AppArmor is not enabled on the host";
  return { reason: "AppArmor", message };
}

/** The rejection of a pod that requests devices which others have; else it has them now. */
export function claimRejection(
  devices: NodeDevices | undefined,
  pod: Pod,
): PodRejection | undefined {
  const shortage = devices?.claim(pod);
  return shortage && { reason: "UnexpectedAdmissionError", message: shortageMessage(shortage) };
}

/** The kubelet's words (`pkg/kubelet/cm/devicemanager`). */
export function shortageMessage({ resource, requested, available }: DeviceShortage): string {
  return "Allocate failed due to requested number of devices unavailable for " +
    `${resource}. Requested: ${requested}, Available: ${available}, which is unexpected`;
}
