import { isRefusal } from "../../core/client/api_error.ts";
import { assert } from "../../core/lib/assert.ts";
import { momentOf } from "../../core/lib/clock.ts";
import { type Secret, secrets } from "../../core/resources/core/secrets.ts";
import type {
  Container,
  EphemeralContainer,
} from "../../core/resources/core/pods/spec/containers.ts";
import {
  containerNamed,
  containersInRoles,
} from "../../core/resources/core/pods/spec/pod_containers.ts";
import { type Pod, pods } from "../../core/resources/core/pods/pods.ts";
import {
  backoffAfterRestart,
  hasEnded,
  hasInitContainers,
  isAnyRunning,
  runsOf,
} from "./runs/container_runs.ts";
import { ConfigError } from "../runtimes/config_error.ts";
import { type ContainerSpec, RuntimeError } from "../runtimes/container_runtime.ts";
import { containerSpecOf } from "./container_specs.ts";
import { CLUSTER_DOMAIN } from "../dns/cluster_dns.ts";
import { parseResolverConfig, podResolverOf, resolverText } from "../dns/resolver_config.ts";
import { hostsTextOf, machineNameOf, nodeHostsTextOf } from "./host_names.ts";
import { ContainerStops } from "./container_stops.ts";
import { environmentOf } from "./environment.ts";
import { ImageMounts } from "./image_mounts.ts";
import type { Step } from "./next_step.ts";
import type { NodeContext } from "./node_context.ts";
import type { Failure, RestartBackoff } from "./runs/observed_pod.ts";
import type { PodEvents } from "./pod_events.ts";
import { seccompFolderOf } from "../folders/seccomp_folder.ts";
import { oomScoreAdjOf } from "./oom_score.ts";
import { PodFolder } from "../folders/pod_folder.ts";
import type { PodRecord } from "./pod_record.ts";
import { initialHealth } from "../probes/probes.ts";
import { failureOf } from "./step_failures.ts";
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
  readonly #folder: PodFolder;
  readonly #stops: ContainerStops;
  readonly #imageMounts: ImageMounts;

  constructor(options: PodStepsOptions) {
    this.#options = options;
    this.#stops = new ContainerStops(options);
    this.#imageMounts = new ImageMounts(options.context.images, options.events);
    this.#folder = new PodFolder(options.context.dataFolder, options.record.uid);
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
      case "confirmDeletion":
        return await this.#forPod("confirmDeletion", () => this.#confirmDeletion());
      case "pull":
        return await this.#pull(step);
      case "start":
        return await this.#start(step);
      case "stop":
        return await this.#stops.stop(step);
      case "prune":
        return await this.#prune(step);
    }
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
      else if (stage !== "confirmDeletion") events.stopFailed(record.pod, failure.message);
    }
  }

  async #prepare(): Promise<void> {
    const { context, record } = this.#options;
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
    await this.#writeNames(pod, ip);
    const { namespacePath } = address ?? {};
    record.sandbox = { state: "ready", ip, ...(namespacePath !== undefined && { namespacePath }) };
  }

  /** The files by which the pod's programs know names: without a domain of its own, the cluster has the usual one. */
  async #writeNames(pod: Pod, ip: string): Promise<void> {
    const { context, record, events } = this.#options;
    const { files, clusterDns, nodeName } = context;
    const { domain: clusterDomain = CLUSTER_DOMAIN } = clusterDns ?? {};
    machineNameOf(pod, { nodeName, clusterDomain }); // tells first when it cannot have the name
    const node = parseResolverConfig(await files.nodeText("/etc/resolv.conf"));
    const { config, warnings } = podResolverOf(pod, node, clusterDns);
    for (const warning of warnings) events.resolverCut(pod, warning);
    const hosts = pod.spec.hostNetwork
      ? nodeHostsTextOf(pod, await files.nodeText("/etc/hosts"))
      : hostsTextOf(pod, ip, clusterDomain);
    await files.writeHosts(record.uid, hosts);
    await files.writeResolver(record.uid, resolverText(config));
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

  /** Not less than this process may give: where it may not lower any, the guaranteed are killed with the others. */
  #oomScoreAdjOf(pod: Pod, container: Container): number | undefined {
    const { memoryBytes, oomScoreAdjMin } = this.#options.context.features;
    if (memoryBytes === 0) return undefined;
    return Math.max(oomScoreAdjMin, oomScoreAdjOf(pod, container, memoryBytes));
  }

  async #release(): Promise<void> {
    const { context, record } = this.#options;
    await Promise.all([
      context.network.remove(record.uid),
      context.volumes.remove(record.uid),
      context.cgroups?.remove(record.uid),
    ]);
    record.sandbox = { state: "released" };
  }

  async #remove(): Promise<void> {
    const { context, record, flushStatus } = this.#options;
    await flushStatus();
    await Promise.all([
      context.network.remove(record.uid),
      context.volumes.remove(record.uid),
      ...record.containers.map(({ id }) => context.runtime.remove(id)),
    ]);
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

  async #pull({ container: name }: StepOf<"pull">): Promise<void> {
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

  async #start({ container: name, restartCount }: StepOf<"start">): Promise<void> {
    const { context, record, events } = this.#options;
    const { runtime, clock, startSlots } = context;
    const pod = this.#pod();
    const container = containerOf(pod, name);
    const backoff = this.#backoffOf(name, restartCount);
    const imageId = record.memoryOf(name)?.imageId ?? "";
    let stage: Failure["stage"] = "pull";
    try {
      const images = await this.#imageMounts.of(pod, container, () => this.#pullSecretsOf(pod));
      stage = "create";
      const spec = { ...await this.#specOf(pod, container, restartCount), ...images };
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
      await context.volumes.releaseMounts(record.uid, name).catch((error) =>
        context.log.warn("Cannot let go of a container's mounts", { container: name, error })
      );
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

  async #prune({ id, container }: StepOf<"prune">): Promise<void> {
    const { context, record } = this.#options;
    await context.runtime.remove(id).catch((error) => {
      // Left for later: the next list shows it again, if it is still there.
      context.log.warn("Cannot remove an old container", { container, id, error });
    });
    record.drop(id);
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
    return pod;
  }
}

/** What steps are called in the log, where their names are no words. */
const WORDS_OF_STEP: Partial<Record<Failure["stage"], string>> = {
  confirmDeletion: "confirm the deletion of",
};

function containerOf(pod: Pod, name: string): Container {
  const container = containerNamed(pod.spec, name);
  assert(container !== undefined, `Pod ${pod.metadata.name} has no container ${name}`);
  return container;
}

function identityOf(spec: ContainerSpec) {
  const { podUid, podName, podNamespace, name, restartCount, image } = spec;
  return { podUid, podName, podNamespace, name, restartCount, image };
}
