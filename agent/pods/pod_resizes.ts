import { pods } from "../../core/resources/core/pods/pods.ts";
import type { Pod } from "../../core/resources/core/pods/pods.ts";
import { isFinished } from "../../core/resources/core/pods/pod_states.ts";
import { amountsOf } from "./container_specs.ts";
import type { NodeContext } from "./node_context.ts";
import type { PodEvents } from "./pod_events.ts";
import type { PodRecord } from "./pod_record.ts";
import {
  allocatedPod,
  isAllocated,
  knownAllocation,
  pendingResizeOf,
  roomOf,
  wantedAllocation,
} from "./runs/allocation.ts";
import { resizesOf } from "./runs/resize_actions.ts";

export interface PodResizesOptions {
  context: Pick<
    NodeContext,
    "allocatable" | "allocations" | "cgroups" | "nodeName" | "runtime" | "view"
  >;
  record: PodRecord;
  events: PodEvents;
}

/**
 * Gives a pod that is there the amounts that it asks for, if the node has them. What it was given last its status tells
 * an agent that comes later.
 *
 * https://kubernetes.io/docs/tasks/configure-pod-container/resize-container-resources/
 */
export class PodResizes {
  readonly #options: PodResizesOptions;

  constructor(options: PodResizesOptions) {
    this.#options = options;
  }

  /** Notes what the pod gets of what it asks for, before anything is decided for it. */
  allocate(pod: Pod): void {
    const { record, context: { allocations, runtime } } = this.#options;
    if (runtime.resize === undefined || isFinished(pod)) return;
    record.allocation ??= knownAllocation(pod);
    record.pendingResize = isAllocated(pod, record.allocation)
      ? undefined
      : pendingResizeOf(pod, this.#room(pod));
    if (record.pendingResize === undefined && !isAllocated(pod, record.allocation)) {
      record.allocation = wantedAllocation(pod);
      record.resizedGeneration = pod.metadata.generation;
    }
    allocations.set(record.uid, record.allocation);
  }

  /** Gives running containers what is set aside for them: first what becomes less. Rejects with why that was not possible. */
  async carryOut(pod: Pod): Promise<void> {
    const { record, events, context: { runtime, cgroups } } = this.#options;
    await cgroups?.prepare(pod).catch(() => {}); // may be too little for what its containers still have
    const resizes = resizesOf(pod, record.observed);
    for (const { run, container } of resizes) {
      await runtime.resize!(run.id, amountsOf(pod, container));
    }
    await cgroups?.prepare(pod);
    for (const { run: { id }, container: { resources } } of resizes) {
      const known = record.containerOf(id);
      if (known?.state === "running") record.put({ ...known, resources });
    }
    record.resizedGeneration = undefined;
    events.resized(pod);
  }

  #room(pod: Pod) {
    const { context: { view, nodeName, allocatable, allocations } } = this.#options;
    const others = view.by(pods, "node", nodeName)
      .filter((other) => other.metadata.uid !== pod.metadata.uid && !isFinished(other))
      .map((other) =>
        allocatedPod(other, allocations.get(other.metadata.uid) ?? knownAllocation(other))
      );
    return roomOf(allocatable, others);
  }
}
