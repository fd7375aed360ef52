import { ENDED } from "../../core/lib/abort.ts";
import { AssertionError } from "../../core/lib/assert.ts";
import { momentOf } from "../../core/lib/clock.ts";
import { isFinished } from "../../core/resources/core/pods/pod_states.ts";
import { podContainerNamed } from "../../core/resources/core/pods/spec/pod_containers.ts";
import type { Pod } from "../../core/resources/core/pods/pods.ts";
import { hasEnded, nextRun } from "./runs/container_runs.ts";
import type { ContainerState } from "../runtimes/container_runtime.ts";
import { untilDrained } from "./draining.ts";
import { statusChangeMs } from "./container_status.ts";
import { busyNameOf, isGone, isOverdue, nextSteps, type Step } from "./next_step.ts";
import type { NodeContext } from "./node_context.ts";
import { type ObservedRun, POD, type PodEviction } from "./runs/observed_pod.ts";
import { PodEvents } from "./pod_events.ts";
import { PodProbes } from "./pod_probes.ts";
import { PodRecord } from "./pod_record.ts";
import { claimRejection, rejectionOf } from "./pod_rejection.ts";
import { VolumeError } from "../volumes/volume_error.ts";
import { podStatusOf } from "./pod_status.ts";
import { PodResizes } from "./pod_resizes.ts";
import { adoptedRun } from "./runs/adopted_run.ts";
import { PodSteps } from "./pod_steps.ts";
import { startRefusalOf } from "./start_refusal.ts";
import { readTerminationMessage } from "./termination_message.ts";
import { StatusWriter } from "./status_writer.ts";

/** A runtime that has reported an exit may need a moment until an inspection shows it. */
const EXIT_INSPECTIONS_MS = [0, 20, 50, 100, 250, 500];
/** How long a worker that ends waits for the steps in flight. */
const CLOSE_WAIT_MS = 5_000;

export interface PodWorkerOptions {
  context: NodeContext;
  podUid: string;
  podName: { namespace: string; name: string };
  /** Nothing of the pod is left, and the worker has ended. */
  onGone(): void;
  /** An assertion failed: the process must end. */
  onFault(error: unknown): void;
}

/**
 * Brings one pod to its desired state: decides, does what was decided, and decides again with each change.
 *
 * Guarantees: decisions are made on what is known in one turn; no two steps at once for one container; steps for
 * the whole pod come alone, pulls of images aside. Nothing waits for the API but the pod's own end.
 */
export class PodWorker {
  readonly #options: PodWorkerOptions;
  readonly #record: PodRecord;
  readonly #events: PodEvents;
  readonly #steps: PodSteps;
  readonly #status: StatusWriter;
  readonly #probes: PodProbes;
  readonly #resizes: PodResizes;
  readonly #inFlight = new Set<Promise<void>>();
  readonly #stop = new AbortController();
  #isAwake = false;
  #isAdmitted = false;
  /** Whether an event says already that the pod may not start. */
  #isRefused = false;
  #isDraining = false;
  /** Containers that have ended and whose termination messages are being read. */
  readonly #ending = new Map<string, Promise<void>>();
  #cancelTimer = () => {};

  constructor(options: PodWorkerOptions) {
    const { context, podUid, podName } = options;
    const log = context.log.with({ pod: podName.name, namespace: podName.namespace });
    this.#options = { ...options, context: { ...context, log } };
    this.#record = new PodRecord(podUid, context.podOfContainer);
    this.#events = new PodEvents(context.events);
    this.#status = new StatusWriter({
      ...context,
      ...{ podUid, podName, log },
      statusOf: (pod) => podStatusOf(this.#statusInput(pod)),
    });
    this.#steps = new PodSteps({
      context: this.#options.context,
      record: this.#record,
      events: this.#events,
      flushStatus: () => this.#status.flush(),
      refresh: (id) => this.refresh(id),
    });
    this.#resizes = new PodResizes({
      context: this.#options.context,
      record: this.#record,
      events: this.#events,
    });
    this.#probes = new PodProbes({
      context: this.#options.context,
      record: this.#record,
      events: this.#events,
      onChange: () => this.wake(),
    });
  }

  /** Counts the changes of the containers. Read it before you ask for a list, and pass it to {@linkcode see}. */
  get version(): number {
    return this.#record.version;
  }

  get pod(): Pod | undefined {
    return this.#record.pod;
  }

  get containers(): readonly ContainerState[] {
    return this.#record.containers;
  }

  /** Calls `listener` after each change of {@linkcode containers}. Returns the stop. */
  subscribe(listener: () => void): () => void {
    return this.#record.subscribe(listener);
  }

  /** Takes over what the API wants. */
  want(pod: Pod | undefined): void {
    this.#record.want(pod, momentOf(this.#options.context.clock));
    if (this.#record.mustDrain && !this.#isDraining) this.#drain();
    if (pod?.metadata.deletionTimestamp !== undefined || !pod) this.#steps.abandonStarts();
    this.wake();
  }

  /**
   * Takes over what a list of the runtime shows of the pod, unless something happened after it was asked for: then the
   * next list counts.
   */
  see(containers: readonly ContainerState[], version: number): void {
    if (version !== this.#record.version || this.#record.busy.size > 0) return;
    const shown = new Set(containers.map(({ id }) => id));
    for (const { id } of this.containers) if (!shown.has(id)) this.#record.drop(id);
    for (const container of containers) this.#put(container);
    this.wake();
  }

  /** Ends the pod although it is wanted: it fails. The first reason counts. */
  evict(eviction: PodEviction, { isTold } = { isTold: true }): void {
    const record = this.#record;
    if (record.pod === undefined || record.eviction || isFinished(record.pod)) return;
    record.eviction = eviction;
    if (isTold) this.#events.evicted(record.pod, eviction);
    this.wake();
  }

  get podName(): { namespace: string; name: string } {
    return this.#options.podName;
  }

  /** Whether something of it runs, or may in a moment. */
  get mayRun(): boolean {
    return !this.hasEnded || [...this.#record.busy.values()].some((busy) => busy.do === "start");
  }

  /** Whether the node has taken the pod. */
  get isAdmitted(): boolean {
    return this.#isAdmitted;
  }

  /** Whether nothing of it runs. */
  get hasEnded(): boolean {
    return this.containers.every(({ state }) => state !== "running");
  }

  /** Notes the process of a container that runs, which its start does not tell. */
  learn({ id, pid, layerFolder }: ContainerState): void {
    const known = this.#record.containerOf(id);
    if (known?.state !== "running" || known.pid !== undefined || pid === undefined) return;
    this.#record.put({ ...known, pid, ...(layerFolder !== undefined && { layerFolder }) });
  }

  /** Inspects a container that the runtime has reported to have ended. */
  async refresh(id: string): Promise<void> {
    const { runtime, clock, log } = this.#options.context;
    for (const waitMs of EXIT_INSPECTIONS_MS) {
      if (waitMs > 0) await clock.sleep(waitMs, this.#stop.signal).catch(() => {});
      if (this.#stop.signal.aborted) return;
      try {
        const container = await runtime.inspect(id);
        if (container === undefined) this.#record.drop(id);
        else if (!hasEnded(container)) continue;
        else await this.#noteExit(container);
        return this.wake();
      } catch (error) {
        if (error instanceof AssertionError) return this.#options.onFault(error);
        log.warn("Cannot inspect a container", { id, error });
      }
    }
  }

  /** Another pod has let go of what it had. */
  retryResize(): void {
    if (this.#record.pendingResize?.reason === "Deferred") this.wake();
  }

  /** Something else has removed the pod's network: the pod gets another one, and its containers start again in it. */
  loseNetwork(): void {
    const { pod } = this.#record;
    if (this.#record.sandbox.state !== "ready") return; // `prepare` will find out
    this.#record.loseNetwork();
    if (pod) this.#events.sandboxChanged(pod);
    this.wake();
  }

  /** The files of a ConfigMap or Secret that the pod uses have changed. */
  async refreshVolumes(): Promise<void> {
    const { volumes, log } = this.#options.context;
    const { pod, sandbox, busy } = this.#record;
    this.#record.forgiveFailures("config");
    this.#record.forgiveFailures("prepare");
    this.wake();
    // What is being prepared may have been read before the change.
    const isMade = sandbox.state === "ready" || busy.get(POD)?.do === "prepare";
    if (pod === undefined || !isMade) return;
    // A volume whose object went away keeps its files, as in Kubernetes.
    await volumes.refresh(pod).catch((error) => {
      log.warn("Cannot update volumes", { error });
      if (error instanceof VolumeError) this.#events.mountFailed(pod, error.message);
    });
  }

  /** Decides soon what to do next. Many calls in one turn make one decision. */
  wake(): void {
    if (this.#isAwake || this.#stop.signal.aborted) return;
    this.#isAwake = true;
    queueMicrotask(() => {
      this.#isAwake = false;
      try {
        this.#decide();
      } catch (error) {
        this.#options.onFault(error);
      }
    });
  }

  /** Stops deciding. Containers go on; resolves when the steps in flight are done, or after a few seconds. */
  async close(): Promise<void> {
    this.#stop.abort(ENDED);
    this.#cancelTimer();
    this.#probes.stopAll();
    this.#status.close();
    const { clock } = this.#options.context;
    const late = new AbortController();
    await Promise.race([
      Promise.all(this.#inFlight),
      clock.sleep(CLOSE_WAIT_MS, late.signal).catch(() => {}),
    ]);
    late.abort(ENDED);
  }

  #decide(): void {
    if (this.#stop.signal.aborted) return;
    // What had run before is being read: which of it counts, and is removed, is decided when all of it is known.
    if (this.#record.sandbox.state === "unknown" && this.#ending.size > 0) return;
    const { clock } = this.#options.context;
    const { pod: shown } = this.#record;
    const pod = shown && this.#status.withLastWritten(shown); // else a container that vanished would seem never to have run
    if (pod !== undefined) {
      if (isFinished(pod)) this.#options.context.devices?.release(pod.metadata.uid); // the scheduler gives them away
      this.#reject(pod);
      this.#resizes.allocate(pod);
    }
    const { observed: recorded } = this.#record;
    const hasNamesake = this.#options.context.namesakes.isAnyRunning(this);
    const observed = hasNamesake ? { ...recorded, hasNamesake } : recorded;
    if (isGone(pod, observed)) {
      this.close();
      return this.#options.onGone();
    }
    const elapsedMs = clock.elapsed();
    let wakeMs = statusChangeMs(observed, elapsedMs);
    for (const step of nextSteps(pod, observed, elapsedMs)) {
      if (step.do === "wait") wakeMs = Math.min(wakeMs, elapsedMs + step.ms);
      else this.#launch(step);
    }
    this.#cancelTimer();
    if (wakeMs < Infinity) this.#cancelTimer = clock.after(wakeMs - elapsedMs, () => this.wake());
    this.#probes.keep();
    if (pod === undefined || this.#record.sandbox.state === "removed") return;
    if (isOverdue(observed, elapsedMs) && !isFinished(pod)) this.#events.overdue(pod);
    this.#reportRefusal(pod);
    this.#status.mark();
  }

  /** A pod that has not begun fails when this node cannot run it as it asks. */
  #reject(pod: Pod): void {
    const record = this.#record;
    if (this.#isAdmitted || record.rejection || isFinished(pod)) return;
    const { features, admit, devices } = this.#options.context;
    const isKnown = record.containers.length > 0 || pod.status.startTime !== undefined;
    if (!isKnown) {
      record.rejection = rejectionOf(pod, features) ?? admit?.(pod) ??
        claimRejection(devices, pod);
    }
    this.#isAdmitted = record.rejection === undefined;
    if (record.rejection) this.#events.rejected(pod, record.rejection);
  }

  #drain(): void {
    const { context, podUid } = this.#options;
    this.#isDraining = true;
    const drained = untilDrained(context, podUid, this.#stop.signal);
    drained.then(() => {
      this.#record.noteDrained(context.clock.elapsed());
      this.wake();
    }, () => {}); // rejects only when the worker has ended
  }

  #reportRefusal(pod: Pod): void {
    const refusal = startRefusalOf(pod);
    if (refusal === undefined || isFinished(pod) || this.#isRefused) return;
    this.#events.refused(pod, refusal);
    this.#isRefused = true;
  }

  #launch(step: Exclude<Step, { do: "wait" }>): void {
    const { clock } = this.#options.context;
    const name = busyNameOf(step);
    const busy = {
      do: step.do,
      ...(step.do === "stop" && { killAtMs: clock.elapsed() + step.graceMs }),
    };
    this.#record.busy.set(name, busy);
    if (step.do === "stop") this.#probes.expectEnd(step.id);
    const work = this.#steps.take(step)
      .catch((error) => this.#options.onFault(error))
      .then(() => {
        // A second, more urgent stop may have taken the place of this one.
        if (this.#record.busy.get(name) === busy) this.#record.busy.delete(name);
        this.#inFlight.delete(work);
        this.wake();
      });
    this.#inFlight.add(work);
  }

  #put(container: ContainerState): void {
    this.#options.context.devices?.adopt(container);
    const known = this.#record.containerOf(container.id);
    if (hasEnded(known)) return;
    if (hasEnded(container)) {
      this.#noteExit(container).then(() => this.wake(), this.#options.onFault);
      return;
    }
    if (known?.state === container.state) return this.learn(container); // keeps the start that was shown first
    this.#record.put(container.state === "running" ? this.#adopted(container) : container);
  }

  #adopted(container: ContainerState): ObservedRun {
    const { pod } = this.#record;
    const canResize = this.#options.context.runtime.resize !== undefined;
    const adopted = pod && adoptedRun(pod, container, { canResize });
    if (adopted === undefined) return container;
    this.#record.remember(container.name, { health: adopted.health });
    return adopted.run;
  }

  /** Resolves when the exit is on record, also when it is reported a second time. */
  async #noteExit(container: ContainerState): Promise<void> {
    const { id } = container;
    this.#probes.stop(id);
    if (hasEnded(this.#record.containerOf(id))) return;
    const ending = this.#ending.get(id) ?? this.#recordExit(container);
    this.#ending.set(id, ending);
    await ending.finally(() => this.#ending.delete(id));
  }

  /** The termination message is read first: so that the exit is shown with its reason. */
  async #recordExit(container: ContainerState): Promise<void> {
    const { id } = container;
    const { clock, log } = this.#options.context;
    const { nowMs, elapsedMs } = momentOf(clock);
    const { finishedAtMs = nowMs } = container;
    const endedMs = elapsedMs - Math.max(0, nowMs - finishedAtMs);
    await readTerminationMessage(this.#record, container, this.#options.context)
      .catch((error) =>
        log.warn("Cannot read the termination message of a container", { id, error })
      );
    const hasChanged = this.#record.put({ ...container, state: "exited", finishedAtMs, endedMs });
    if (hasChanged) this.#reportBackOff(container);
  }

  #reportBackOff({ name }: ContainerState): void {
    const { pod } = this.#record;
    if (pod === undefined || pod.metadata.deletionTimestamp !== undefined) return;
    const elapsedMs = this.#options.context.clock.elapsed();
    const { observed } = this.#record;
    if (isOverdue(observed, elapsedMs)) return;
    const each = podContainerNamed(pod.spec, name);
    const next = each && nextRun(pod, observed, each);
    if (next?.isBackOff && next.atMs > elapsedMs) this.#events.backingOff(pod, name);
  }

  #statusInput(pod: Pod) {
    const { clock, hostIP, runtime } = this.#options.context;
    const canResize = runtime.resize !== undefined;
    const node = { hostIP, runtimeName: runtime.name, canResize };
    return { pod, observed: this.#record.observed, ...momentOf(clock), node };
  }
}
