import { messageOf } from "../../core/lib/error_message.ts";
import { isRefusal } from "../../core/client/api_error.ts";
import { assert } from "../../core/lib/assert.ts";
import { momentOf } from "../../core/lib/clock.ts";
import type { Container } from "../../core/resources/core/pods/spec/containers.ts";
import { containerNamed } from "../../core/resources/core/pods/spec/pod_containers.ts";
import { type Pod, pods } from "../../core/resources/core/pods/pods.ts";
import { backoffAfterRestart, hasEnded, runsOf } from "./container_runs.ts";
import { type ContainerSpec, RuntimeError } from "../runtimes/container_runtime.ts";
import { containerSpecOf, hostsTextOf } from "./container_specs.ts";
import { environmentOf } from "./environment.ts";
import type { Step } from "./next_step.ts";
import type { NodeParts } from "./node_parts.ts";
import type { Failure, RestartBackoff } from "./observed_pod.ts";
import type { PodEvents } from "./pod_events.ts";
import { PodFolder } from "../folders/pod_folder.ts";
import type { PodRecord } from "./pod_record.ts";
import { initialHealth } from "../probes/probes.ts";
import { failureOf } from "./step_failures.ts";
import { VolumeError } from "../volumes/volumes.ts";

export interface PodStepsOptions {
  parts: NodeParts;
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
  readonly #folder: PodFolder;

  constructor(options: PodStepsOptions) {
    this.#options = options;
    this.#folder = new PodFolder(options.parts.dataFolder, options.record.uid);
  }

  /** Does one step. What fails is noted with the time of its next try; only faults of ours reject. */
  async take(step: Exclude<Step, { do: "wait" }>): Promise<void> {
    switch (step.do) {
      case "prepare":
        return await this.#forPod("prepare", () => this.#prepare());
      case "release":
        return await this.#forPod("release", () => this.#release());
      case "remove":
        return await this.#forPod("remove", () => this.#remove());
      case "forget":
        return await this.#forPod("forget", () => this.#forget());
      case "pull":
        return await this.#pull(step);
      case "start":
        return await this.#start(step);
      case "stop":
        return await this.#stop(step);
      case "prune":
        return await this.#prune(step);
    }
  }

  async #forPod(stage: Failure["stage"], act: () => Promise<void>): Promise<void> {
    const { record, parts, events } = this.#options;
    try {
      await act();
      record.failure = undefined;
    } catch (error) {
      const failure = failureOf(error, stage, record.failure, momentOf(parts.clock));
      if (failure.failures === 1) {
        parts.log.warn(`Cannot ${stage} pod`, { pod: record.pod?.metadata.name, error });
      }
      record.failure = failure;
      if (record.pod === undefined) return;
      if (error instanceof VolumeError) events.mountFailed(record.pod, failure.message);
      else if (stage === "prepare") events.sandboxFailed(record.pod, failure.message);
      else if (stage !== "forget") events.stopFailed(record.pod, failure.message);
    }
  }

  async #prepare(): Promise<void> {
    const { parts, record } = this.#options;
    const pod = this.#pod();
    if (!pod.spec.hostNetwork && !parts.network.has(record.uid)) this.#leaveLostNetwork(pod);
    const [address] = await Promise.all([
      pod.spec.hostNetwork ? undefined : parts.network.add(record.uid),
      parts.volumes.make(pod),
    ]);
    const ip = address?.ip ?? parts.hostIP;
    if (address) await parts.files.showHosts(record.uid, hostsTextOf(pod, ip));
    const { namespacePath } = address ?? {};
    record.sandbox = { state: "ready", ip, ...(namespacePath !== undefined && { namespacePath }) };
  }

  /** What runs already runs in a network that is there no more, or whose name nobody knows. */
  #leaveLostNetwork(pod: Pod): void {
    const { record, events } = this.#options;
    const wasKnown = record.containers.some(({ isCutOff }) => isCutOff);
    if (record.loseNetwork().length > 0 && !wasKnown) events.sandboxChanged(pod);
  }

  async #release(): Promise<void> {
    const { parts, record } = this.#options;
    await Promise.all([parts.network.remove(record.uid), parts.volumes.remove(record.uid)]);
    record.sandbox = { state: "released" };
  }

  async #remove(): Promise<void> {
    const { parts, record, flushStatus } = this.#options;
    await flushStatus();
    await Promise.all([
      parts.network.remove(record.uid),
      parts.volumes.remove(record.uid),
      ...record.containers.map(({ id }) => parts.runtime.remove(id)),
    ]);
    await parts.files.remove(record.uid);
    for (const { id } of record.containers) record.drop(id);
    record.sandbox = { state: "removed", forgotten: false };
  }

  async #forget(): Promise<void> {
    const { parts, record } = this.#options;
    const { metadata } = this.#pod();
    const { name, namespace, uid } = metadata;
    const options = { gracePeriodSeconds: 0, preconditions: { uid } };
    try {
      await parts.client.delete(pods, { namespace, name }, options);
    } catch (error) { // gone already, or another pod has its name
      if (!isRefusal(error, "NotFound") && !isRefusal(error, "Conflict")) throw error;
    }
    record.sandbox = { state: "removed", forgotten: true };
  }

  async #pull({ container: name }: StepOf<"pull">): Promise<void> {
    const { parts, record, events } = this.#options;
    const { clock, runtime } = parts;
    const pod = this.#pod();
    const container = containerOf(pod, name);
    const { image = "", imagePullPolicy = "IfNotPresent" } = container;
    let pullingSinceMs: number | undefined;
    try {
      const imageId = await runtime.ensureImage(image, imagePullPolicy, () => {
        pullingSinceMs = clock.elapsed();
        events.pulling(pod, name, image);
      });
      const isPulled = pullingSinceMs !== undefined;
      events.pulled(pod, name, image, isPulled ? clock.elapsed() - pullingSinceMs! : undefined);
      if (!this.#isStillWanted(container)) return;
      // A failed start before is still counted: only a run that starts makes good for it.
      const { failure } = record.memoryOf(name) ?? {};
      record.remember(name, { imageId, ...(failure?.stage === "pull" && { failure: undefined }) });
    } catch (error) {
      const failure = this.#failed(container, error, "pull");
      const cause = error instanceof Error ? error : new Error(String(error));
      events.pullFailed(pod, name, image, cause, failure.reason);
      if (failure.reason === "ErrImagePull") events.pullResting(pod, name, image);
    }
  }

  async #start({ container: name, restartCount }: StepOf<"start">): Promise<void> {
    const { parts, record, events } = this.#options;
    const { runtime, clock, startSlots } = parts;
    const pod = this.#pod();
    const container = containerOf(pod, name);
    const backoff = this.#backoffOf(name, restartCount);
    const imageId = record.memoryOf(name)?.imageId ?? "";
    let stage: Failure["stage"] = "create";
    try {
      const spec = await this.#specOf(pod, container, restartCount);
      await startSlots.use(async () => {
        const id = await runtime.create(spec);
        const base = { ...identityOf(spec), id, imageId };
        record.put({ ...base, state: "created" });
        record.remember(name, { backoff });
        events.created(pod, name);
        stage = "run";
        await runtime.start(id);
        events.started(pod, name);
        record.put({ ...base, state: "running", startedAtMs: clock.now() });
        record.remember(name, { health: initialHealth(id, container) });
      });
      const isAlways = container.imagePullPolicy === "Always";
      record.remember(name, {
        failure: undefined,
        ...(isAlways && { imageId: undefined }),
      });
    } catch (error) {
      const { message } = this.#failed(container, error, stage);
      events.startFailed(pod, name, message);
    } finally {
      await parts.volumes.releaseMounts(record.uid, name).catch((error) =>
        parts.log.warn("Cannot let go of a container's mounts", { container: name, error })
      );
    }
  }

  /** A restart lengthens the back-off of the next one: it counts once the new run is there. */
  #backoffOf(name: string, restartCount: number): RestartBackoff | undefined {
    const { parts, record } = this.#options;
    const previous = record.memoryOf(name)?.backoff;
    const [latest] = runsOf(record.observed, name);
    if (latest === undefined || !hasEnded(latest) || latest.restartCount >= restartCount) {
      return previous;
    }
    const elapsedMs = parts.clock.elapsed();
    return backoffAfterRestart(previous, latest.endedMs ?? elapsedMs, elapsedMs);
  }

  async #specOf(pod: Pod, container: Container, restartCount: number): Promise<ContainerSpec> {
    const { parts, record } = this.#options;
    const { sandbox } = record;
    assert(sandbox.state === "ready", "A container starts only in a pod that is prepared");
    const { view, hostIP, nodeName, allocatable } = parts;
    const { name, terminationMessagePath } = container;
    const env = environmentOf(pod, container, { view, hostIP, podIP: sandbox.ip, allocatable });
    const [mounts] = await Promise.all([
      parts.volumes.mountsOf(pod, container, env),
      parts.files.prepareRun({ podUid: record.uid, container: name, restartCount }),
    ]);
    const hosts = {
      hostPath: this.#folder.hostsFile,
      containerPath: "/etc/hosts",
      readOnly: false,
    };
    const message = {
      hostPath: this.#folder.messageFile(name, restartCount),
      containerPath: terminationMessagePath,
      readOnly: false,
    };
    const isMounted = (path: string) => mounts.some(({ containerPath }) => containerPath === path);
    return containerSpecOf(pod, container, {
      restartCount,
      env,
      mounts: [
        ...mounts,
        ...[...(pod.spec.hostNetwork ? [] : [hosts]), message]
          .filter(({ containerPath }) => containerPath !== "" && !isMounted(containerPath)),
      ],
      logPath: this.#folder.logFile(name, restartCount),
      podIP: sandbox.ip,
      namespacePath: sandbox.namespacePath,
      cgroupParent: parts.cgroupParentOf?.(record.uid),
      nodeName,
    });
  }

  async #stop({ container, id, graceMs, why }: StepOf<"stop">): Promise<void> {
    const { parts, record, events, refresh } = this.#options;
    if (record.pod && why !== "twin") events.stopping(record.pod, container, why);
    try {
      await parts.runtime.stop(id, graceMs);
    } catch (error) {
      parts.log.warn("Cannot stop a container", { container, id, error });
      if (record.pod) events.stopFailed(record.pod, messageOf(error));
      // The runtime may be back soon; without a rest the decision would ask for the same again at once.
      await parts.clock.sleep(STOP_RETRY_MS);
    }
    await refresh(id);
  }

  async #prune({ id, container }: StepOf<"prune">): Promise<void> {
    const { parts, record } = this.#options;
    await parts.runtime.remove(id).catch((error) => {
      // Left for later: the next list shows it again, if it is still there.
      parts.log.warn("Cannot remove an old container", { container, id, error });
    });
    record.drop(id);
  }

  #failed(container: Container, error: unknown, stage: Failure["stage"]): Failure {
    const { parts, record } = this.#options;
    const { name } = container;
    const previous = record.memoryOf(name)?.failure;
    const failure = failureOf(error, stage, previous, momentOf(parts.clock));
    // The image may be gone, and is looked for again.
    if (this.#isStillWanted(container)) record.remember(name, { failure, imageId: undefined });
    if (!(error instanceof RuntimeError) && failure.stage !== "config") {
      parts.log.warn("Cannot start a container", { container: name, stage, error });
    }
    return failure;
  }

  /** Whether the pod has not been given another image since the step for this container began. */
  #isStillWanted({ name, image }: Container): boolean {
    const { pod } = this.#options.record;
    return pod !== undefined && containerNamed(pod.spec, name)?.image === image;
  }

  #pod(): Pod {
    const { pod } = this.#options.record;
    assert(pod !== undefined, "Only a pod that is wanted is prepared, started or confirmed");
    return pod;
  }
}

const STOP_RETRY_MS = 1_000;

function containerOf(pod: Pod, name: string): Container {
  const container = containerNamed(pod.spec, name);
  assert(container !== undefined, `Pod ${pod.metadata.name} has no container ${name}`);
  return container;
}

function identityOf(spec: ContainerSpec) {
  const { podUid, podName, podNamespace, name, restartCount, image } = spec;
  return { podUid, podName, podNamespace, name, restartCount, image };
}
