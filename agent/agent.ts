import type { AgentOptions } from "./agent_options.ts";
import type { ObjectName } from "../core/client/client.ts";
import { AssertionError } from "../core/lib/assert.ts";
import { type Backoff, waitMsAfter } from "../core/lib/backoff.ts";
import { supervise } from "../core/lib/supervise.ts";
import { type Pod, pods } from "../core/resources/core/pods/pods.ts";
import { isFinished } from "../core/resources/core/pods/pod_states.ts";
import { LOCAL_PATH_FOLDER } from "../core/resources/storage/local_path.ts";
import type { AnyResource, NamespacedObject } from "../core/resources/resource.ts";
import { ProbeCounts } from "./stats/probe_counts.ts";
import { lazyKubelet } from "./kubelet/lazy_kubelet.ts";
import { ImagePuller, PULLS_MAX } from "./images/image_puller.ts";
import type { ContainerState } from "./runtimes/container_runtime.ts";
import { LogRotation } from "./log_rotation.ts";
import { Namesakes } from "./pods/namesakes.ts";
import type { NodeContext } from "./pods/node_context.ts";
import { allocatableOf } from "./node/allocatable.ts";
import { nodeFeatures } from "./node/node_features.ts";
import { NodeStatus } from "./node/node_status.ts";
import { NodeCare } from "./node_care.ts";
import { PodStreams } from "./streams/pod_streams.ts";
import { DiskPodFiles } from "./volumes/pod_files.ts";
import { keepAddresses } from "./network/kept_addresses.ts";
import { endAllPods } from "./pods/pods_end.ts";
import { PodWorker } from "./pods/pod_worker.ts";
import { Slots } from "../core/lib/slots.ts";
import { referencedKinds, referenceKey, referencesOf, showChange } from "./pods/references.ts";
import { VOLUME_TYPES } from "./volumes/types/mod.ts";
import type { VolumeType } from "./volumes/volume_type.ts";
import { PodTokens } from "./volumes/pod_tokens.ts";
import { localPathFolder, removeVolumeFolder } from "./volumes/local_path_folders.ts";
import { ReleasedVolumes } from "./volumes/released_volumes.ts";
import { Volumes } from "./volumes/volumes.ts";

/** How often the runtime is asked for all its containers, in case a notice was lost. */
const RELIST_MS = 30_000;
const RELIST_RETRY: Backoff = { firstMs: 1_000, maxMs: RELIST_MS, factor: 2 };
/** More starts at once are not faster with Podman, each only takes longer. */
const STARTS_MAX = 4;
const EXEC_PROBES_MAX = 4;

/**
 * Runs the pods that are bound to one node: Coracle's kubelet.
 *
 * Nothing polls: pods come by the view, exits by the runtime, the rest when it is due; every 30 s a list of the
 * runtime corrects what was missed. What ran before the agent started goes on: running containers are
 * adopted, those of no pod are stopped.
 */
export class Agent {
  /** What clients connect to in its pods, and what it answers where others ask a kubelet. */
  readonly streams: PodStreams;
  readonly kubelet = lazyKubelet(() => ({ ...this.#options, ...this.#care.known }));
  readonly #options: AgentOptions;
  readonly #context: NodeContext;
  readonly #volumeTypes: readonly VolumeType[];
  readonly #tokens: PodTokens | undefined;
  readonly #node: NodeStatus;
  readonly #releasedVolumes: ReleasedVolumes;
  readonly #care: NodeCare;
  readonly #workers = new Map<string, PodWorker>();
  #stops: (() => void)[] = [];
  #fault: (error: unknown) => void = () => {};
  /** Whether what an agent that was killed has left half made is gone. */
  #isClean = false;
  /** Before the first list it is not known what runs. */
  #hasListed = false;
  /** Uids of pods that are on the node and that the view does not show yet. */
  #leftAlone: Set<string> = new Set();
  /** Ends the pause between two lists. */
  #pause: AbortController | undefined;
  readonly #logRotation: LogRotation;

  constructor(options: AgentOptions) {
    this.#options = options;
    const { dataFolder, clock, machine, tokens: source, keptTokens: kept } = options;
    const allocatable = allocatableOf(machine, {
      reservations: options.reservations ?? [],
      ...(options.evictionThresholds && { thresholds: options.evictionThresholds }),
    });
    const types = this.#volumeTypes = options.volumeTypes ?? VOLUME_TYPES;
    const tokens = this.#tokens = source && new PodTokens({ source, clock, ...(kept && { kept }) });
    this.#context = {
      ...options,
      files: options.files ?? new DiskPodFiles(dataFolder, options.logLimits),
      volumes: options.volumes ?? new Volumes({ ...options, types, allocatable, tokens }),
      allocatable,
      admit: (pod) => this.#care.admit(pod),
      probeCounts: new ProbeCounts(),
      images: new ImagePuller({
        ...{ pullsMax: PULLS_MAX, ...options },
        onImage: (image) => this.#care.noteImage(image),
      }),
      features: nodeFeatures(options),
      podOfContainer: new Map(),
      allocations: new Map(),
      namesakes: new Namesakes(),
      startSlots: new Slots(STARTS_MAX),
      execSlots: new Slots(EXEC_PROBES_MAX),
    };
    this.#logRotation = new LogRotation({ ...options, files: this.#context.files });
    this.streams = new PodStreams({ ...options, workerOf: (name) => this.#workerOf(name) });
    const { podCIDR, labels = {}, runtime: { version: runtimeVersion } } = options;
    const volumesFolder = localPathFolder(dataFolder);
    const annotations = { [LOCAL_PATH_FOLDER]: volumesFolder };
    const about = { podCIDR, labels, annotations, allocatable, runtimeVersion };
    this.#node = new NodeStatus({ ...options, ...about });
    const { removeFolder = removeVolumeFolder } = options;
    this.#releasedVolumes = new ReleasedVolumes({ ...options, volumesFolder, removeFolder });
    const workers = () => [...this.#workers.values()];
    this.#care = new NodeCare({ options, context: this.#context, status: this.#node, workers });
  }

  /**
   * Runs pods until the signal aborts; containers then go on without it.
   * Rejects only for a fault of ours.
   */
  async run(signal: AbortSignal): Promise<void> {
    const fault = Promise.withResolvers<never>();
    this.#fault = fault.reject;
    const stop = new AbortController();
    const { clock, log } = this.#options;
    const either = AbortSignal.any([signal, stop.signal]);
    const context = { clock, log, signal: either };
    try {
      await Promise.race([
        Promise.all([
          supervise(
            { ...context, name: "the status of the node" },
            (inner) => this.#node.run(inner),
          ),
          supervise({ ...context, name: "the agent" }, (inner) => this.#runPods(inner)),
          supervise(
            { ...context, name: "the removal of volumes" },
            (inner) => this.#releasedVolumes.run(inner),
          ),
          this.#care.run(either),
        ]),
        fault.promise,
      ]);
    } finally {
      stop.abort();
      this.#unsubscribe();
      this.#care.close();
      await Promise.all([...this.#workers.values()].map((worker) => worker.close()));
    }
  }

  /** What it does for the node as a whole. */
  get care(): Pick<NodeCare, "usage" | "shutdown"> {
    return this.#care;
  }

  /** Reports whether the disk with the node's data is full: new pods then go elsewhere. */
  reportDisk({ isFull }: { isFull: boolean }): void {
    this.#node.reportDisk({ isFull });
  }

  /**
   * Ends all containers of this node, each with the grace of its pod or, once the signal aborts, at once; takes
   * down their networks. The API does not hear of it: the pods run again when the agent does. Call it after `run`.
   * Rejects when there are containers that cannot be ended, after all others are: their pods are left whole.
   */
  async stopAll(signal: AbortSignal): Promise<void> {
    const { volumes } = this.#context;
    const graceMsOf = (podUid: string) =>
      (this.#workers.get(podUid)?.pod?.spec.terminationGracePeriodSeconds ?? 0) * 1_000;
    await endAllPods({ ...this.#options, volumes, graceMsOf }, signal);
  }

  async #runPods(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    this.#subscribe();
    let failures = 0;
    while (!signal.aborted) {
      failures = await this.#relist() ? 0 : failures + 1;
      for (const uid of this.#tokens?.podsDue() ?? []) this.#workers.get(uid)?.refreshVolumes();
      const waitMs = failures > 0 ? waitMsAfter(failures, RELIST_RETRY) : RELIST_MS;
      this.#pause = new AbortController();
      const either = AbortSignal.any([signal, this.#pause.signal]);
      await clock.sleep(waitMs, either).catch(() => {}); // rejects only when a signal aborts
    }
  }

  /** Lists what there is, and has each pod's worker compare it. False when that failed. */
  async #relist(): Promise<boolean> {
    const { runtime, network, log } = this.#options;
    const versions = new Map([...this.#workers].map(([uid, { version }]) => [uid, version]));
    try {
      if (!this.#isClean) await this.#collectGarbage();
      await this.#context.cgroups?.collectGarbage();
      this.#isClean = true;
      const [containers, addresses, folders] = await Promise.all([
        runtime.list(),
        network.list(),
        this.#context.files.podUids(),
      ]);
      this.#takeOver(containers, versions, [...addresses.map(({ podUid }) => podUid), ...folders]);
      await this.#logRotation.rotate(containers);
      this.#node.report(undefined);
      return true;
    } catch (error) {
      if (error instanceof AssertionError) throw error;
      log.warn("Cannot list what runs on this node", { error });
      this.#node.report("container runtime is down");
      return false;
    }
  }

  async #collectGarbage(): Promise<void> {
    await this.#options.runtime.collectGarbage();
    await this.#context.volumes.collectGarbage();
  }

  #takeOver(
    containers: readonly ContainerState[],
    versions: ReadonlyMap<string, number>,
    others: readonly string[],
  ): void {
    const { view, nodeName, isViewCurrent } = this.#options;
    const isCurrent = isViewCurrent?.() ?? true;
    const wanted = new Map(view.by(pods, "node", nodeName).map((pod) => [pod.metadata.uid, pod]));
    const byPod = Map.groupBy(containers, ({ podUid }) => podUid);
    if (!this.#hasListed) keepAddresses(this.#options.network, [...wanted.values()]);
    this.#hasListed = true;
    const leftAlone = this.#leftAlone = new Set();
    for (const uid of new Set([...wanted.keys(), ...byPod.keys(), ...others])) {
      const shown = byPod.get(uid) ?? [];
      const known = this.#workers.get(uid);
      if (!known && !wanted.has(uid) && !isCurrent) {
        leftAlone.add(uid);
        continue;
      }
      const worker = known ?? this.#newWorker(uid, wanted.get(uid), shown[0]);
      worker.want(wanted.get(uid));
      // The list may be older than the worker.
      worker.see(shown, known ? versions.get(uid) ?? -1 : worker.version);
    }
  }

  #subscribe(): void {
    const { view, runtime, network } = this.#options;
    this.#unsubscribe();
    this.#stops = [
      view.subscribe(pods, ({ type, object }) => this.#onPod(type, object)),
      ...referencedKinds(this.#volumeTypes).map((resource) =>
        view.subscribe<NamespacedObject>(
          resource,
          ({ object }) => this.#onReferenced(resource, object),
        )
      ),
      runtime.onExit((id) => this.#onExit(id)),
      network.onLost((podUid) => this.#workers.get(podUid)?.loseNetwork()),
    ];
  }

  #unsubscribe(): void {
    for (const stop of this.#stops.splice(0)) stop();
  }

  #onPod(type: "ADDED" | "MODIFIED" | "DELETED", pod: Pod): void {
    const { uid } = pod.metadata;
    const worker = this.#workers.get(uid);
    if (worker === undefined) {
      if (type === "DELETED" || pod.spec.nodeName !== this.#options.nodeName) return;
      if (this.#leftAlone.has(uid)) this.#pause?.abort(); // first it is seen what runs of it
      else if (this.#hasListed) this.#newWorker(uid, pod, undefined).want(pod);
      return;
    }
    const before = worker.pod;
    if (type === "DELETED" || isFinished(pod)) this.#workers.forEach((each) => each.retryResize());
    worker.want(type === "DELETED" ? undefined : pod);
    if (type === "MODIFIED" && showChange(before, pod, this.#volumeTypes)) worker.refreshVolumes();
  }

  #onReferenced(resource: AnyResource, { metadata: { namespace, name } }: NamespacedObject): void {
    const key = referenceKey({ resource, name });
    for (const worker of this.#workers.values()) {
      const { pod } = worker;
      if (pod === undefined || pod.metadata.namespace !== namespace) continue;
      if (referencesOf(pod, this.#volumeTypes).has(key)) worker.refreshVolumes();
    }
  }

  #onExit(id: string): void {
    const podUid = this.#context.podOfContainer.get(id);
    if (podUid !== undefined) this.#workers.get(podUid)?.refresh(id);
  }

  #newWorker(
    podUid: string,
    pod: Pod | undefined,
    container: ContainerState | undefined,
  ): PodWorker {
    const worker = new PodWorker({
      context: this.#context,
      podUid,
      podName: {
        namespace: pod?.metadata.namespace ?? container?.podNamespace ?? "",
        name: pod?.metadata.name ?? container?.podName ?? podUid,
      },
      onGone: () => {
        this.#workers.delete(podUid);
        this.#context.namesakes.remove(worker);
        this.#options.keptStatuses?.forget(podUid);
        this.#context.allocations.delete(podUid);
        this.#context.probeCounts.forget(podUid);
        for (const { id } of worker.containers) this.#context.podOfContainer.delete(id);
      },
      onFault: (error) => this.#fault(error),
    });
    this.#workers.set(podUid, worker);
    this.#context.namesakes.add(worker);
    return worker;
  }

  #workerOf(name: ObjectName): PodWorker | undefined {
    const pod = this.#options.view.get(pods, name);
    return pod && this.#workers.get(pod.metadata.uid);
  }
}
