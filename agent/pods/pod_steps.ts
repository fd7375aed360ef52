import { isRefusal } from "../../core/client/api_error.ts";
import { assert } from "../../core/lib/assert.ts";
import { momentOf } from "../../core/lib/clock.ts";
import { containersInRoles } from "../../core/resources/core/pods/spec/pod_containers.ts";
import { type Pod, pods } from "../../core/resources/core/pods/pods.ts";
import { hasInitContainers, isAnyRunning } from "./runs/container_runs.ts";
import { writeNameFiles } from "../dns/name_files.ts";
import { allocatedPod } from "./runs/allocation.ts";
import { PodResizes } from "./pod_resizes.ts";
import { ContainerStarts } from "./container_starts.ts";
import { ContainerStops } from "./container_stops.ts";
import type { Step } from "./next_step.ts";
import type { NodeContext } from "./node_context.ts";
import type { Failure } from "./runs/observed_pod.ts";
import type { PodEvents } from "./pod_events.ts";
import type { PodRecord } from "./pod_record.ts";
import { failureOf } from "./runs/step_failures.ts";
import { VolumeError } from "../volumes/volume_error.ts";

export interface PodStepsOptions {
  context: NodeContext;
  record: PodRecord;
  events: PodEvents;
  /** Resolves when the pod's present status is written. */
  flushStatus(): Promise<void>;
  /** Looks at a container again. */
  refresh(id: string): Promise<void>;
}

type StepOf<D extends Step["do"]> = Extract<Step, { do: D }>;

/** Does what was decided for one pod, and notes in its record what came of it. */
export class PodSteps {
  readonly #options: PodStepsOptions;
  readonly #starts: ContainerStarts;
  readonly #stops: ContainerStops;
  readonly #resizes: PodResizes;

  constructor(options: PodStepsOptions) {
    this.#options = options;
    this.#stops = new ContainerStops(options);
    this.#resizes = new PodResizes(options);
    this.#starts = new ContainerStarts({ ...options, stop: (step) => this.#stops.stop(step) });
  }

  /** Does one step. What fails is noted with the time of its next try; only faults of ours reject. */
  async take(step: Exclude<Step, { do: "wait" }>): Promise<void> {
    switch (step.do) {
      case "prepare":
        return await this.#forPod("prepare", () => this.#prepare());
      case "resize":
        return await this.#forPod("resize", () => this.#resizes.carryOut(this.#pod()));
      case "release":
        return await this.#forPod("release", () => this.#release());
      case "remove":
        return await this.#forPod("remove", () => this.#remove());
      case "confirmDeletion":
        return await this.#forPod("confirmDeletion", () => this.#confirmDeletion());
      case "pull":
        return await this.#starts.pull(step.container);
      case "start":
        return await this.#starts.start(step.container, step.restartCount);
      case "stop":
        return await this.#stops.stop(step);
      case "prune":
        return await this.#prune(step);
    }
  }

  /** The pod is deleted: nothing that starts needs to go on. */
  abandonStarts(): void {
    this.#starts.abandon();
  }

  async #forPod(stage: Failure["stage"], act: () => Promise<void>): Promise<void> {
    const { record, context, events } = this.#options;
    try {
      await act();
      record.failure = undefined;
    } catch (error) {
      const failure = failureOf(error, stage, record.failure, momentOf(context.clock));
      if (failure.failures === 1) {
        context.log.warn(`Cannot ${WORDS_OF_STEP[stage] ?? stage} pod`, {
          pod: record.pod?.metadata.name,
          error,
        });
      }
      record.failure = failure;
      if (record.pod === undefined) return;
      if (error instanceof VolumeError) events.mountFailed(record.pod, failure.message);
      else if (stage === "prepare") events.sandboxFailed(record.pod, failure.message);
      else if (stage !== "confirmDeletion" && stage !== "resize") {
        events.stopFailed(record.pod, failure.message);
      }
    }
  }

  async #prepare(): Promise<void> {
    const { context, record, events } = this.#options;
    const pod = this.#pod();
    if (!pod.spec.hostNetwork && !context.network.has(record.uid)) {
      this.#leaveLostNetwork(pod);
      if (hasInitContainers(pod) && isAnyRunning(record.observed)) return; // until all of it has ended
      await this.#forgetInitRuns(pod);
    }
    const [address] = await Promise.all([
      pod.spec.hostNetwork ? undefined : context.network.add(record.uid),
      context.volumes.make(pod),
      context.cgroups?.prepare(pod),
    ]);
    const ip = address?.ip ?? context.hostIP;
    const warnings = await writeNameFiles(context, pod, ip);
    for (const warning of warnings) events.resolverCut(pod, warning);
    const { namespacePath } = address ?? {};
    record.sandbox = { state: "ready", ip, ...(namespacePath !== undefined && { namespacePath }) };
  }

  /** Containers that run already are in a network that is gone, or whose name is not known. */
  #leaveLostNetwork(pod: Pod): void {
    const { record, events } = this.#options;
    const wasKnown = record.containers.some(({ isCutOff }) => isCutOff);
    if (record.loseNetwork().length > 0 && !wasKnown) events.sandboxChanged(pod);
  }

  /**
   * Init containers run anew in another network, also when this agent ends before they do: their runs are removed before the
   * network is there.
   */
  async #forgetInitRuns(pod: Pod): Promise<void> {
    const { context, record } = this.#options;
    const names = containersInRoles(pod.spec, "init", "sidecar").map(({ name }) => name);
    const old = record.containers.filter((run) => names.includes(run.name));
    await Promise.all(old.map(({ id }) => context.runtime.remove(id)));
    for (const { id } of old) record.drop(id);
  }

  async #release(): Promise<void> {
    const { context, record } = this.#options;
    await context.runtime.releasePod?.(record.uid); // first, as it runs in its cgroup
    await Promise.all([
      context.network.remove(record.uid),
      context.volumes.remove(record.uid),
      context.cgroups?.remove(record.uid),
    ]);
    context.devices?.release(record.uid);
    record.sandbox = { state: "released" };
  }

  async #remove(): Promise<void> {
    const { context, record, flushStatus } = this.#options;
    await flushStatus();
    await Promise.all([
      context.network.remove(record.uid),
      context.volumes.remove(record.uid),
      context.runtime.releasePod?.(record.uid),
      ...record.containers.map(({ id }) => context.runtime.remove(id)),
    ]);
    context.devices?.release(record.uid);
    await context.cgroups?.remove(record.uid);
    await context.files.remove(record.uid);
    for (const { id } of record.containers) record.drop(id);
    record.sandbox = { state: "removed", deletionConfirmed: false };
  }

  async #confirmDeletion(): Promise<void> {
    const { context, record } = this.#options;
    const { metadata } = this.#pod();
    const { name, namespace, uid } = metadata;
    const options = { gracePeriodSeconds: 0, preconditions: { uid } };
    try {
      await context.client.delete(pods, { namespace, name }, options);
    } catch (error) { // gone already, or another pod has its name
      if (!isRefusal(error, "NotFound") && !isRefusal(error, "Conflict")) throw error;
    }
    record.sandbox = { state: "removed", deletionConfirmed: true };
  }

  async #prune({ id, container }: StepOf<"prune">): Promise<void> {
    const { context, record } = this.#options;
    const remove = () => context.runtime.remove(id);
    await context.startSlots.use(remove).catch((error) => { // after the starts that wait: it is never urgent
      // Left for later: the next list shows it again, if it is still there.
      context.log.warn("Cannot remove an old container", { container, id, error });
    });
    record.drop(id);
  }

  #pod(): Pod {
    const { pod } = this.#options.record;
    assert(pod !== undefined, "Only a pod that is wanted is prepared, started or confirmed");
    return allocatedPod(pod, this.#options.record.allocation);
  }
}

/** What steps are called in the log, where their names are no words. */
const WORDS_OF_STEP: Partial<Record<Failure["stage"], string>> = {
  confirmDeletion: "confirm the deletion of",
};
