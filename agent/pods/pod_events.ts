import type { Pod } from "../../core/resources/core/pods/pods.ts";
import {
  type ContainerRole,
  containersInRoles,
} from "../../core/resources/core/pods/spec/pod_containers.ts";
import { formatDuration } from "../../core/schema/durations.ts";
import type { EnsuredImage } from "../images/image_puller.ts";
import { podTextOf } from "./container_status.ts";
import {
  type PodContainer,
  podContainerNamed,
} from "../../core/resources/core/pods/spec/pod_containers.ts";
import type { StopReason } from "./next_step.ts";
import type { NodeContext } from "./node_context.ts";
import type { PodRejection } from "./runs/observed_pod.ts";
import type { ProbeOutcome } from "../probes/probe_type.ts";
import type { ProbeKind } from "../probes/probes.ts";
import { restartPolicyOf } from "./runs/restart_rules.ts";

/** The component that events of pods come from in Kubernetes. */
export const COMPONENT = "kubelet";

/** Records the events of pods in the kubelet's words (`pkg/kubelet/events/event.go`). */
export class PodEvents {
  #isOverdue = false;
  readonly #events: NodeContext["events"];

  constructor(events: NodeContext["events"]) {
    this.#events = events;
  }

  pulling(pod: Pod, container: string, image: string): void {
    this.#normal(pod, "Pulling", `Pulling image "${image}"`, container);
  }

  pulled(pod: Pod, container: string, name: string, { image, pull }: EnsuredImage): void {
    const message = pull === undefined
      ? `Container image "${name}" already present on machine`
      : `Successfully pulled image "${name}" in ${millisText(pull.ms)} ` +
        `(${millisText(pull.wholeMs)} including waiting). Image size: ${image.sizeBytes} bytes.`;
    this.#normal(pod, "Pulled", message, container);
  }

  pullSecretsAbsent(pod: Pod, names: readonly string[]): void {
    const message = `Unable to retrieve some image pull secrets (${names.join(", ")}); ` +
      "attempting to pull the image may not succeed.";
    this.#warning(pod, "FailedToRetrieveImagePullSecret", message);
  }

  pullFailed(pod: Pod, container: string, image: string, cause: Error, reason: string): void {
    const { message } = cause;
    switch (reason) {
      case "ErrImageNeverPull":
        this.#warning(pod, reason, message, container);
        break;
      case "InvalidImageName":
      case "ImageInspectError":
        this.#warning(pod, "InspectFailed", message, container);
        break;
      default:
        this.#warning(pod, "Failed", `Failed to pull image "${image}": ${message}`, container);
    }
    this.#warning(pod, "Failed", `Error: ${reason}`, container);
  }

  created(pod: Pod, container: string): void {
    this.#normal(pod, "Created", `Created container: ${container}`, container);
  }

  started(pod: Pod, container: string): void {
    this.#normal(pod, "Started", `Started container ${container}`, container);
  }

  startFailed(pod: Pod, container: string, message: string): void {
    this.#warning(pod, "Failed", `Error: ${message}`, container);
  }

  refused(pod: Pod, message: string): void {
    this.#warning(pod, "Failed", `Error: ${message}`);
  }

  rejected(pod: Pod, { reason, message }: PodRejection): void {
    this.#warning(pod, reason, message);
  }

  evicted(pod: Pod, { reason, message }: PodRejection): void {
    this.#warning(pod, reason, message);
  }

  stopping(pod: Pod, container: string, why: StopReason): void {
    this.#normal(pod, "Killing", stoppingMessage(pod, container, why), container);
  }

  /** What went wrong is not told: it could hold what only the container should know. */
  hookFailed(pod: Pod, container: string, hook: "PostStart" | "PreStop"): void {
    this.#warning(pod, `Failed${hook}Hook`, `${hook}Hook failed`, container);
  }

  backingOff(pod: Pod, container: string): void {
    const message = `Back-off restarting failed container ${container} in pod ${podTextOf(pod)}`;
    this.#warning(pod, "BackOff", message, container);
  }

  pullBackingOff(pod: Pod, container: string, image: string): void {
    this.#normal(pod, "BackOff", `Back-off pulling image "${image}"`, container);
    this.#warning(pod, "Failed", "Error: ImagePullBackOff", container);
  }

  probed(pod: Pod, container: string, kind: ProbeKind, { result, output }: ProbeOutcome): void {
    const word = `${kind[0]!.toUpperCase()}${kind.slice(1)}`;
    if (result === "warning") {
      this.#warning(pod, "ProbeWarning", `${word} probe warning: ${output}`, container);
    } else if (result === "error") {
      const message = `${word} probe errored and resulted in unknown state: ${output}`;
      this.#warning(pod, "Unhealthy", message, container);
    } else this.#warning(pod, "Unhealthy", `${word} probe failed: ${output}`, container);
  }

  mountFailed(pod: Pod, message: string): void {
    this.#warning(pod, "FailedMount", message);
  }

  sandboxFailed(pod: Pod, message: string): void {
    this.#warning(pod, "FailedCreatePodSandBox", `Failed to create pod sandbox: ${message}`);
  }

  resolverCut(pod: Pod, message: string): void {
    this.#warning(pod, "DNSConfigForming", message);
  }

  /** What the pod has now, with the kubelet's words. */
  resized(pod: Pod): void {
    const listed = (...roles: ContainerRole[]) =>
      containersInRoles(pod.spec, ...roles).map(({ name, resources }) => ({ name, resources }));
    const init = listed("init", "sidecar");
    const summary = {
      ...(init.length > 0 && { ["initContainers"]: init }),
      containers: listed("main"),
    };
    this.#normal(pod, "ResizeCompleted", `Pod resize completed: ${JSON.stringify(summary)}`);
  }

  /** What the kubelet says when it has to replace a sandbox. */
  sandboxChanged(pod: Pod): void {
    const message = "Pod sandbox changed, it will be killed and re-created.";
    this.#normal(pod, "SandboxChanged", message);
  }

  stopFailed(pod: Pod, message: string): void {
    this.#warning(pod, "FailedKillPod", `error killing pod: ${message}`);
  }

  /** Told once. */
  overdue(pod: Pod): void {
    if (this.#isOverdue) return;
    this.#isOverdue = true;
    const message = "Pod was active on the node longer than the specified deadline";
    this.#normal(pod, "DeadlineExceeded", message);
  }

  #normal(pod: Pod, reason: string, message: string, container?: string): void {
    this.#record(pod, "Normal", reason, message, container);
  }

  #warning(pod: Pod, reason: string, message: string, container?: string): void {
    this.#record(pod, "Warning", reason, message, container);
  }

  #record(
    about: Pod,
    type: "Normal" | "Warning",
    reason: string,
    message: string,
    container: string | undefined,
  ): void {
    const fieldPath = container === undefined ? undefined : fieldPathOf(about, container);
    this.#events.record(COMPONENT, {
      about,
      type,
      reason,
      message,
      ...(fieldPath !== undefined && { fieldPath }),
    });
  }
}

/** As the kubelet writes durations of pulls: whole milliseconds. */
function millisText(ms: number): string {
  return formatDuration(Math.trunc(ms));
}

/** Where the list of a container's kind is in the spec: `spec.initContainers{name}`. */
function fieldPathOf({ spec }: Pod, name: string): string {
  const list = podContainerNamed(spec, name)?.path.replace(/\[.*/, "") ?? "containers";
  return `spec.${list}{${name}}`;
}

function stoppingMessage(pod: Pod, name: string, why: StopReason): string {
  if (why === "hook") return "FailedPostStartHook";
  const each = podContainerNamed(pod.spec, name);
  const cause = why === "liveness" || why === "startup"
    ? `failed ${why} probe`
    : why === "changed"
    ? "definition changed"
    : undefined;
  if (why === "resized") return `Container ${name} resize requires restart`;
  if (cause === undefined || each === undefined) return `Stopping container ${name}`;
  if (each.role === "sidecar") return `Init container ${name} ${cause}`;
  const isRestarted = why === "changed" || willRestart(pod, each);
  return `Container ${name} ${cause}${isRestarted ? ", will be restarted" : ""}`;
}

function willRestart({ spec }: Pod, { container }: PodContainer): boolean {
  return restartPolicyOf(spec, container) !== "Never";
}
