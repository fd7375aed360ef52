import { constants } from "node:os";
import { STOP_SIGNALS } from "../../../core/resources/core/pods/spec/stop_signals.ts";
import {
  type ContainerSpec,
  type DeviceMount,
  type ImageMount,
  RuntimeError,
} from "../container_runtime.ts";

/**
 * Refuses what a plain process on the node cannot keep of what its pod asks for: run without it, it would have less
 * protection than its author believes, or fail in strange ways. `isRoot`: whether users and namespaces can be changed.
 * Throws a {@linkcode RuntimeError} that names every field.
 */
export function refuseUnkept(
  { security, stopSignal, imageMounts, volumeDevices }: Pick<
    ContainerSpec,
    "security" | "stopSignal" | "imageMounts" | "volumeDevices"
  >,
  isRoot: boolean,
): void {
  if (stopSignal !== undefined && knownSignal(stopSignal) === undefined) {
    throw new RuntimeError(
      "CreateContainerError",
      `The process runtime cannot send ${stopSignal}; set lifecycle.stopSignal to a signal that is not real-time`,
    );
  }
  refuseImageMounts(imageMounts);
  refuseDevices(volumeDevices);
  const keepsRoot = isRoot && (security.runAsUser ?? 0) === 0;
  const unkept = [
    ...(security.seccomp && security.seccomp !== "Unconfined" ? ["seccompProfile"] : []),
    ...(security.seLinux && hasSeLinux() ? ["seLinuxOptions"] : []),
    ...(security.appArmor && security.appArmor !== "Unconfined" ? ["appArmorProfile"] : []),
    ...(security.readOnlyRootFilesystem ? ["readOnlyRootFilesystem"] : []),
    ...(security.capabilitiesDrop?.length && !isRoot ? ["capabilities.drop"] : []),
    ...(security.capabilitiesAdd?.length && !keepsRoot ? ["capabilities.add"] : []),
    ...(security.privileged && !keepsRoot ? ["privileged"] : []),
    ...(security.allowPrivilegeEscalation === false && !isRoot ? ["allowPrivilegeEscalation"] : []),
    ...(security.supplementalGroups?.length && !isRoot ? ["supplementalGroups"] : []),
    ...(security.sysctls ? ["sysctls"] : []),
  ];
  if (unkept.length === 0) return;
  throw new RuntimeError(
    "CreateContainerError",
    `The process runtime cannot keep securityContext.${unkept.join(", securityContext.")}: ` +
      "it runs plain processes of the node; run the pod on a node with Podman, or take it out of the manifest",
  );
}

/** A process would see the device under its own name only. */
function refuseDevices([first]: readonly DeviceMount[] = []): void {
  if (first === undefined) return;
  throw new RuntimeError(
    "CreateContainerError",
    `The process runtime cannot show the device "${first.containerPath}": run the pod on a node with Podman`,
  );
}

/** The files of an image are only where images are. */
function refuseImageMounts([first]: readonly ImageMount[] = []): void {
  if (first === undefined) return;
  throw new RuntimeError(
    "CreateContainerError",
    `The process runtime cannot mount the image "${first.image}": run the pod on a node with Podman`,
  );
}

function hasSeLinux(): boolean {
  try {
    return Deno.statSync("/sys/fs/selinux/enforce").isFile;
  } catch {
    return false; // there is no such file, or none that may be seen
  }
}

/** The name by which Deno sends a signal; `undefined`: it cannot. */
export function knownSignal(name: string): Deno.Signal | undefined {
  const number = STOP_SIGNALS.get(name);
  const known = [...STOP_SIGNALS].find((each) => each[1] === number)?.[0];
  return known !== undefined && Object.hasOwn(constants.signals, known)
    ? known as Deno.Signal // it has those of the machine
    : undefined;
}
