import { abortWith, ENDED } from "../../core/lib/abort.ts";
import { assert } from "../../core/lib/assert.ts";
import { momentOf } from "../../core/lib/clock.ts";
import type {
  Container,
  EphemeralContainer,
} from "../../core/resources/core/pods/spec/containers.ts";
import { containerNamed } from "../../core/resources/core/pods/spec/pod_containers.ts";
import type { LifecycleHandler } from "../../core/resources/core/pods/spec/probes.ts";
import type { Pod } from "../../core/resources/core/pods/pods.ts";
import { type Secret, secrets } from "../../core/resources/core/secrets.ts";
import { oomScoreAdjOf } from "../cgroups/oom_score.ts";
import { CLUSTER_DOMAIN } from "../dns/cluster_dns.ts";
import { PodFolder } from "../folders/pod_folder.ts";
import { seccompFolderOf } from "../folders/seccomp_folder.ts";
import type { Device } from "../devices/node_devices.ts";
import { shortageMessage } from "./pod_rejection.ts";
import { HookError, runHook } from "../hooks/hook.ts";
import { initialHealth } from "../probes/probes.ts";
import { ConfigError } from "../runtimes/config_error.ts";
import { type ContainerSpec, RuntimeError } from "../runtimes/container_runtime.ts";
import { containerSpecOf } from "./container_specs.ts";
import { podTextOf } from "./container_status.ts";
import { environmentOf } from "./environment.ts";
import { ImageMounts } from "./image_mounts.ts";
import type { StopStep } from "./next_step.ts";
import type { NodeContext } from "./node_context.ts";
import type { PodEvents } from "./pod_events.ts";
import type { PodRecord } from "./pod_record.ts";
import { allocatedPod } from "./runs/allocation.ts";
import { backoffAfterRestart, hasEnded, runsOf } from "./runs/container_runs.ts";
import type { Failure, RestartBackoff } from "./runs/observed_pod.ts";
import { failureOf } from "./runs/step_failures.ts";

export interface ContainerStartsOptions {
  context: NodeContext;
  record: PodRecord;
  events: PodEvents;
  /** Ends the container whose hook has failed. */
  stop(step: StopStep): Promise<void>;
}

/** How far a start has come: what fails is told by it. */
interface StartProgress {
  stage: Failure["stage"];
}

/** Fetches images and starts containers, and notes in the pod's record what came of it. */
export class ContainerStarts {
  readonly #options: ContainerStartsOptions;
  readonly #folder: PodFolder;
  readonly #imageMounts: ImageMounts;
  /** Aborts when what starts is not wanted any more. */
  readonly #abandoned = new AbortController();

  constructor(options: ContainerStartsOptions) {
    this.#options = options;
    this.#folder = new PodFolder(options.context.dataFolder, options.record.uid);
    this.#imageMounts = new ImageMounts(options.context.images, options.events);
  }

  /** Ends the hooks of what starts: the pod is deleted. */
  abandon(): void {
    this.#abandoned.abort(ENDED);
  }

  async pull(name: string): Promise<void> {
    const { context, record, events } = this.#options;
    const pod = this.#pod();
    const container = containerOf(pod, name);
    const { image = "", imagePullPolicy: policy = "IfNotPresent" } = container;
    try {
      const onPull = () => events.pulling(pod, name, image);
      const ensured = await context.images.ensure({
        ...{ image, policy, onPull },
        secrets: this.#pullSecretsOf(pod),
      });
      const imageId = ensured.image.reference;
      events.pulled(pod, name, image, ensured);
      if (!this.#isStillWanted(container)) return;
      // A failed start before is still counted: only a run that starts makes good for it.
      const { failure } = record.memoryOf(name) ?? {};
      record.remember(name, { imageId, ...(failure?.stage === "pull" && { failure: undefined }) });
    } catch (error) {
      const failure = this.#failed(container, error, "pull");
      const cause = error instanceof Error ? error : new Error(String(error));
      events.pullFailed(pod, name, image, cause, failure.reason);
      if (failure.reason === "ErrImagePull") events.pullBackingOff(pod, name, image);
    }
  }

  #pullSecretsOf({ metadata: { namespace }, spec }: Pod): Secret[] {
    const { context: { view }, events } = this.#options;
    const names = (spec.imagePullSecrets ?? []).flatMap(({ name }) => name || []);
    const found = names.map((name) => view.get(secrets, { namespace, name }));
    const absent = names.filter((_, i) => found[i] === undefined);
    if (absent.length > 0) events.pullSecretsAbsent(this.#pod(), absent);
    return found.filter((secret) => secret !== undefined);
  }

  async start(name: string, restartCount: number): Promise<void> {
    const { context, record, events } = this.#options;
    const pod = this.#pod();
    const container = containerOf(pod, name);
    const progress: StartProgress = { stage: "pull" };
    try {
      await this.#run(pod, container, restartCount, progress);
      const isAlways = container.imagePullPolicy === "Always";
      record.remember(name, {
        failure: undefined,
        ...(isAlways && { imageId: undefined }),
      });
    } catch (error) {
      const { message } = this.#failed(container, error, progress.stage);
      if (!(error instanceof HookError)) events.startFailed(pod, name, message);
    } finally {
      await context.volumes.releaseMounts(record.uid, name).catch((error) =>
        context.log.warn("Cannot let go of a container's mounts", { container: name, error })
      );
    }
  }

  async #run(
    pod: Pod,
    container: Container,
    restartCount: number,
    progress: StartProgress,
  ): Promise<void> {
    const { context: { runtime, clock, startSlots, volumes }, record, events } = this.#options;
    const { name } = container;
    const postStart = container.lifecycle?.postStart;
    const backoff = this.#backoffOf(name, restartCount);
    const imageId = record.memoryOf(name)?.imageId ?? "";
    const images = await this.#imageMounts.of(pod, container, () => this.#pullSecretsOf(pod));
    progress.stage = "create";
    const devices = await volumes.devicesOf(pod, container);
    const spec = { ...await this.#specOf(pod, container, restartCount), ...images, ...devices };
    const run = await startSlots.use(async () => {
      const id = await runtime.create(spec);
      const base = { ...identityOf(spec), id, imageId };
      record.put({ ...base, state: "created" });
      record.remember(name, { backoff });
      events.created(pod, name);
      progress.stage = "run";
      await runtime.start(id);
      events.started(pod, name);
      const amounts = runtime.resize && { resources: container.resources };
      return { ...base, ...amounts, state: "running" as const, startedAtMs: clock.now() };
    });
    if (postStart !== undefined) {
      progress.stage = "hook";
      record.put({ ...run, isStarting: true });
      await this.#runPostStart(pod, container, postStart, run.id);
    }
    record.put(run);
    record.remember(name, { health: initialHealth(run.id, container) });
  }

  /** The container does not count as running before its hook is done. When the hook fails, it ends. */
  async #runPostStart(
    pod: Pod,
    container: Container,
    hook: LifecycleHandler,
    id: string,
  ): Promise<void> {
    const { record, context, events, stop } = this.#options;
    const { name, ports = [] } = container;
    const { runtime, clock } = context;
    const podIP = record.sandbox.state === "ready" ? record.sandbox.ip : "";
    const of = { container: name, podText: podTextOf(pod), podIP, containerId: id, ports };
    const ending = new AbortController();
    const release = abortWith(ending, this.#abandoned.signal);
    const unsubscribe = record.subscribe(() => {
      if (record.containerOf(id)?.state !== "running") ending.abort(ENDED);
    });
    try {
      await runHook(hook, { ...of, runtime, clock }, ending.signal);
    } catch (error) {
      if (this.#abandoned.signal.aborted) return; // it ends with its pod
      events.hookFailed(pod, name, "PostStart");
      const graceMs = pod.spec.terminationGracePeriodSeconds * 1_000;
      await stop({ do: "stop", container: name, id, graceMs, why: "hook" });
      throw error;
    } finally {
      unsubscribe();
      release();
    }
  }

  /** A restart lengthens the back-off of the next one: it counts once the new run is there. */
  #backoffOf(name: string, restartCount: number): RestartBackoff | undefined {
    const { context, record } = this.#options;
    const previous = record.memoryOf(name)?.backoff;
    const [latest] = runsOf(record.observed, name);
    if (latest === undefined || !hasEnded(latest) || latest.restartCount >= restartCount) {
      return previous;
    }
    const elapsedMs = context.clock.elapsed();
    return backoffAfterRestart(previous, latest.endedMs ?? elapsedMs, elapsedMs);
  }

  async #specOf(pod: Pod, container: Container, restartCount: number): Promise<ContainerSpec> {
    const { context, record } = this.#options;
    const { sandbox } = record;
    assert(sandbox.state === "ready", "A container starts only in a pod that is prepared");
    const { view, hostIP, nodeName, allocatable } = context;
    const { name, terminationMessagePath } = container;
    const env = environmentOf(pod, container, { view, hostIP, podIP: sandbox.ip, allocatable });
    const [mounts] = await Promise.all([
      context.volumes.mountsOf(pod, container, env),
      context.files.prepareRun({ podUid: record.uid, container: name, restartCount }),
    ]);
    const own = {
      "/etc/hosts": this.#folder.hostsFile,
      "/etc/resolv.conf": this.#folder.resolverFile,
      [terminationMessagePath]: this.#folder.messageFile(name, restartCount),
    };
    const isMounted = (path: string) => mounts.some(({ containerPath }) => containerPath === path);
    return containerSpecOf(pod, container, {
      restartCount,
      env,
      mounts: [
        ...mounts,
        ...Object.entries(own).filter(([path]) => path !== "" && !isMounted(path))
          .map(([containerPath, hostPath]) => ({ hostPath, containerPath, readOnly: false })),
      ],
      logPath: this.#folder.logFile(name, restartCount),
      podIP: sandbox.ip,
      namespacePath: sandbox.namespacePath,
      cgroupParent: context.cgroups?.parentOf(pod),
      devices: this.#devicesOf(pod, name),
      pidsMax: context.podPidsMax,
      oomScoreAdj: this.#oomScoreAdjOf(pod, container),
      nodeName,
      clusterDomain: context.clusterDns?.domain ?? CLUSTER_DOMAIN,
      seccompFolder: seccompFolderOf(context.dataFolder),
      processesOf: this.#targetOf(container),
    });
  }

  /** Throws a {@linkcode ConfigError} when the container whose processes an ephemeral one is to see does not run. */
  #targetOf(container: EphemeralContainer): string | undefined {
    const { targetContainerName: target } = container;
    if (!target) return undefined;
    const run = this.#options.record.containers
      .find(({ name, state }) => name === target && state === "running");
    if (run === undefined) throw new ConfigError(`unable to find target container ${target}`);
    return run.id;
  }

  /** Throws a {@linkcode ConfigError} when there are not enough. */
  #devicesOf(pod: Pod, container: string): readonly Device[] {
    const { context: { devices }, record: { uid } } = this.#options;
    const shortage = devices?.claim(pod);
    if (shortage !== undefined) throw new ConfigError(shortageMessage(shortage));
    return devices?.of(uid, container) ?? [];
  }

  /** Not less than this process may give: where it may not lower any, the guaranteed are killed with the others. */
  #oomScoreAdjOf(pod: Pod, container: Container): number | undefined {
    const { memoryBytes, oomScoreAdjMin } = this.#options.context.features;
    if (memoryBytes === 0) return undefined;
    return Math.max(oomScoreAdjMin, oomScoreAdjOf(pod, container, memoryBytes));
  }

  #failed(container: Container, error: unknown, stage: Failure["stage"]): Failure {
    const { context, record } = this.#options;
    const { name } = container;
    const previous = record.memoryOf(name)?.failure;
    const failure = failureOf(error, stage, previous, momentOf(context.clock));
    // The image may be gone, and is looked for again.
    if (this.#isStillWanted(container)) record.remember(name, { failure, imageId: undefined });
    if (!(error instanceof RuntimeError) && failure.stage !== "config") {
      context.log.warn("Cannot start a container", { container: name, stage, error });
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
    return allocatedPod(pod, this.#options.record.allocation);
  }
}

function containerOf(pod: Pod, name: string): Container {
  const container = containerNamed(pod.spec, name);
  assert(container !== undefined, `Pod ${pod.metadata.name} has no container ${name}`);
  return container;
}

function identityOf(spec: ContainerSpec) {
  const { podUid, podName, podNamespace, name, restartCount, image } = spec;
  return { podUid, podName, podNamespace, name, restartCount, image };
}
