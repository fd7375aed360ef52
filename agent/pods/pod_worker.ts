import { ENDED } from "../../core/lib/abort.ts";
import { AssertionError } from "../../core/lib/assert.ts";
import { momentOf } from "../../core/lib/clock.ts";
import { nodes } from "../../core/resources/core/nodes/nodes.ts";
import { isFinished } from "../../core/resources/core/pods/pod_states.ts";
import { containerNamed } from "../../core/resources/core/pods/spec/pod_containers.ts";
import type { Pod } from "../../core/resources/core/pods/pods.ts";
import { hasEnded, nextRun, runsOf, statusOf } from "./container_runs.ts";
import type { ContainerState } from "../runtimes/container_runtime.ts";
import { statusChangeMs } from "./container_status.ts";
import { busyNameOf, isGone, isOverdue, nextSteps, type Step } from "./next_step.ts";
import type { NodeParts } from "./node_parts.ts";
import { POD } from "./observed_pod.ts";
import { PodEvents } from "./pod_events.ts";
import { PodProbes } from "./pod_probes.ts";
import { PodRecord } from "./pod_record.ts";
import { podStatusOf } from "./pod_status.ts";
import { PodSteps } from "./pod_steps.ts";
import { type Health, initialHealth } from "../probes/probes.ts";
import { startRefusalOf } from "./start_refusal.ts";
import { StatusWriter } from "./status_writer.ts";

/** A runtime that has told of an exit may need a moment until it also shows it. */
const EXIT_LOOKS_MS = [0, 20, 50, 100, 250, 500];
/**
 * What proxies that are out of sight, such as those of other nodes, get to turn away from a pod and to have the answers
 * to what they sent it; never more than half of its grace.
 */
const UNSEEN_DRAIN_MS = 2_000;
/** How long a worker that ends waits for the steps in flight. */
const CLOSE_WAIT_MS = 5_000;

export interface PodWorkerOptions {
  parts: NodeParts;
  podUid: string;
  podName: { namespace: string; name: string };
  /** Nothing of the pod is left: the worker is of no more use. */
  onGone(): void;
  /** An assertion failed: the process must end. */
  onFault(error: unknown): void;
}

/**
 * Brings one pod where it should be: decides, does what was decided, and decides again with each change.
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
  readonly #inFlight = new Set<Promise<void>>();
  readonly #stop = new AbortController();
  #isAwake = false;
  #isOverdue = false;
  /** Whether it was told that the pod may not start. */
  #isRefused = false;
  #isDraining = false;
  /** Containers that have ended and whose termination messages are being read. */
  readonly #ending = new Map<string, Promise<void>>();
  #cancelTimer = () => {};

  constructor(options: PodWorkerOptions) {
    const { parts, podUid, podName } = options;
    const log = parts.log.with({ pod: podName.name, namespace: podName.namespace });
    this.#options = { ...options, parts: { ...parts, log } };
    this.#record = new PodRecord(podUid, parts.podOfContainer);
    this.#events = new PodEvents(parts.events);
    this.#status = new StatusWriter({
      ...{ podUid, podName, client: parts.client, view: parts.view, clock: parts.clock, log },
      statusOf: (pod) => podStatusOf(this.#statusInput(pod)),
    });
    this.#steps = new PodSteps({
      ...{ parts: this.#options.parts, record: this.#record, events: this.#events },
      flushStatus: () => this.#status.flush(),
      refresh: (id) => this.refresh(id),
    });
    this.#probes = new PodProbes({
      ...{ parts: this.#options.parts, record: this.#record, events: this.#events },
      onChange: () => this.wake(),
    });
  }

  /** Counts the changes of the containers: to be read before a list is asked for, and given back with it. */
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
    this.#record.want(pod, momentOf(this.#options.parts.clock));
    if (this.#record.mustDrain && !this.#isDraining) this.#drain();
    this.wake();
  }

  /**
   * Takes over what a list of the runtime shows of the pod, unless something happened since it was asked for:
   * then the next list tells.
   */
  see(containers: readonly ContainerState[], version: number): void {
    if (version !== this.#record.version || this.#record.busy.size > 0) return;
    const shown = new Set(containers.map(({ id }) => id));
    for (const { id } of this.containers) if (!shown.has(id)) this.#record.drop(id);
    for (const container of containers) this.#put(container);
    this.wake();
  }

  /** Looks at a container of which the runtime told that it has ended. */
  async refresh(id: string): Promise<void> {
    const { runtime, clock, log } = this.#options.parts;
    for (const waitMs of EXIT_LOOKS_MS) {
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
        log.warn("Cannot look at a container", { id, error });
      }
    }
  }

  /** The pod's network has gone by others' doing: it gets another one, and its containers run anew in that. */
  loseNetwork(): void {
    const { pod } = this.#record;
    if (this.#record.sandbox.state !== "ready") return; // `prepare` will find out
    this.#record.loseNetwork();
    if (pod) this.#events.sandboxChanged(pod);
    this.wake();
  }

  /** The files of a ConfigMap or Secret that the pod uses have changed. */
  async refreshVolumes(): Promise<void> {
    const { volumes, log } = this.#options.parts;
    const { pod, sandbox, busy } = this.#record;
    this.#record.forgiveFailures("config");
    this.#record.forgiveFailures("prepare");
    this.wake();
    // What is being prepared may have been read before the change.
    const isMade = sandbox.state === "ready" || busy.get(POD)?.do === "prepare";
    if (pod === undefined || !isMade) return;
    // A volume whose object went away keeps its files, as in Kubernetes.
    await volumes.refresh(pod).catch((error) => log.warn("Cannot update volumes", { error }));
  }

  /** Decides soon what is to be done now. Many calls of one turn make one decision. */
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

  /** Decides no more. Containers go on; resolves when the steps in flight are done, or after a few seconds. */
  async close(): Promise<void> {
    this.#stop.abort(ENDED);
    this.#cancelTimer();
    this.#probes.stopAll();
    this.#status.close();
    const { clock } = this.#options.parts;
    const late = new AbortController();
    await Promise.race([
      Promise.all(this.#inFlight),
      clock.sleep(CLOSE_WAIT_MS, late.signal).catch(() => {}),
    ]);
    late.abort(ENDED);
  }

  #decide(): void {
    if (this.#stop.signal.aborted) return;
    const { clock } = this.#options.parts;
    const { pod: shown, observed } = this.#record;
    const pod = shown && this.#status.withNews(shown); // else what has vanished would seem never to have run
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
    if (isOverdue(observed, elapsedMs) && !isFinished(pod)) this.#tellOverdue(pod);
    this.#tellRefusal(pod);
    this.#status.mark();
  }

  #drain(): void {
    const { parts, podUid } = this.#options;
    const { signal } = this.#stop;
    this.#isDraining = true;
    const isSeen = parts.untilDrained !== undefined && parts.view.list(nodes).length <= 1;
    // First the others turn away: until then requests may come, also anew when every other pod has failed.
    const turned = isSeen ? Promise.resolve() : parts.clock.sleep(UNSEEN_DRAIN_MS, signal);
    turned.then(() => parts.untilDrained?.(podUid, signal)).then(() => {
      this.#record.noteDrained(parts.clock.elapsed());
      this.wake();
    }, () => {}); // rejects only when nothing is decided any more
  }

  #tellOverdue(pod: Pod): void {
    if (!this.#isOverdue) this.#events.overdue(pod);
    this.#isOverdue = true;
  }

  #tellRefusal(pod: Pod): void {
    const refusal = startRefusalOf(pod);
    if (refusal === undefined || isFinished(pod) || this.#isRefused) return;
    this.#events.refused(pod, refusal);
    this.#isRefused = true;
  }

  #launch(step: Exclude<Step, { do: "wait" }>): void {
    const { clock } = this.#options.parts;
    const name = busyNameOf(step);
    const busy = {
      do: step.do,
      ...(step.do === "stop" && { killAtMs: clock.elapsed() + step.graceMs }),
    };
    this.#record.busy.set(name, busy);
    if (step.do === "stop") this.#probes.stop(step.id);
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
    const known = this.#record.containerOf(container.id);
    if (hasEnded(known)) return;
    if (hasEnded(container)) {
      this.#noteExit(container).then(() => this.wake(), this.#options.onFault);
      return;
    }
    if (known?.state === container.state) return; // keeps the start that was shown first
    this.#record.put(container.state === "running" ? this.#adopted(container) : container);
  }

  /**
   * A container that runs already keeps the start and the health that its status shows: an agent's restart changes
   * nothing.
   */
  #adopted(container: ContainerState): ContainerState {
    const { id, name } = container;
    const { pod } = this.#record;
    const spec = pod && containerNamed(pod.spec, name);
    if (pod === undefined || spec === undefined) return container;
    const status = statusOf(pod, name);
    // A status from before it ran knows nothing of it.
    const shown = status?.containerID?.endsWith(`://${id}`) ? status.state.running : undefined;
    const health: Health = shown
      ? { containerId: id, started: status?.started ?? false, ready: status?.ready ?? false }
      : initialHealth(id, spec);
    this.#record.remember(name, { health });
    const { startedAt } = shown ?? {};
    return startedAt === undefined
      ? container
      : { ...container, startedAtMs: Date.parse(startedAt) };
  }

  /** Resolves when the end is on record, also for who tells of it a second time. */
  async #noteExit(container: ContainerState): Promise<void> {
    const { id } = container;
    this.#probes.stop(id);
    if (hasEnded(this.#record.containerOf(id))) return;
    const ending = this.#ending.get(id) ?? this.#recordExit(container);
    this.#ending.set(id, ending);
    await ending.finally(() => this.#ending.delete(id));
  }

  /** The termination message is read first: whoever sees the end sees why. */
  async #recordExit(container: ContainerState): Promise<void> {
    const { id, name } = container;
    const { clock, log } = this.#options.parts;
    const { nowMs, elapsedMs } = momentOf(clock);
    const { finishedAtMs = nowMs } = container;
    const endedMs = elapsedMs - Math.max(0, nowMs - finishedAtMs);
    await this.#readLastWords(name, container)
      .catch((error) => log.warn("Cannot read the last words of a container", { id, error }));
    const isNews = this.#record.put({ ...container, state: "exited", finishedAtMs, endedMs });
    if (isNews) this.#tellRest(container);
  }

  async #readLastWords(name: string, run: ContainerState): Promise<void> {
    const { pod, uid } = this.#record;
    const spec = pod && containerNamed(pod.spec, name);
    if (spec === undefined) return;
    const { files, runtime } = this.#options.parts;
    const source = { podUid: uid, container: name, restartCount: run.restartCount };
    const said = await files.message(source);
    const fromLog = said === "" && run.exitCode !== 0 &&
      spec.terminationMessagePolicy === "FallbackToLogsOnError";
    const message = fromLog ? await files.logEnd(source, runtime.logFormat) : said;
    if (message === "") return;
    const kept = runsOf(this.#record.observed, name).slice(0, 2).map(({ id }) => id);
    const old = Object.entries(this.#record.memoryOf(name)?.messages ?? {})
      .filter(([id]) => kept.includes(id));
    this.#record.remember(name, { messages: { ...Object.fromEntries(old), [run.id]: message } });
  }

  #tellRest({ name }: ContainerState): void {
    const { pod } = this.#record;
    if (pod === undefined || pod.metadata.deletionTimestamp !== undefined) return;
    const elapsedMs = this.#options.parts.clock.elapsed();
    const { observed } = this.#record;
    if (isOverdue(observed, elapsedMs)) return;
    const next = nextRun(pod, observed, { name });
    if (next?.restsAfterExit && next.atMs > elapsedMs) this.#events.resting(pod, name);
  }

  #statusInput(pod: Pod) {
    const { clock, hostIP, runtime } = this.#options.parts;
    const node = { hostIP, runtimeName: runtime.name };
    return { pod, observed: this.#record.observed, ...momentOf(clock), node };
  }
}
