import { messageOf } from "../../core/lib/error_message.ts";
import { ownField } from "../../core/lib/own_field.ts";
import type { View } from "../../core/client/client.ts";
import type { Clock } from "../../core/lib/clock.ts";
import { FileTree } from "../../core/lib/linux/file_tree.ts";
import { removeFolder } from "../../core/lib/linux/folder_removal.ts";
import { Slots } from "../../core/lib/slots.ts";
import type { Container } from "../../core/resources/core/pods/spec/containers.ts";
import type { Volume } from "../../core/resources/core/pods/spec/volumes.ts";
import type { Pod } from "../../core/resources/core/pods/pods.ts";
import { ConfigError } from "../runtimes/config_error.ts";
import type { DeviceMount, Mount } from "../runtimes/container_runtime.ts";
import { PodFolder, podsWithFolder } from "../folders/pod_folder.ts";
import { unmountAll } from "./memory_folder.ts";
import type { PodTokens } from "./pod_tokens.ts";
import { PinnedMounts, propagationOf } from "./pinned_mounts.ts";
import { VolumeError, withoutPlugin } from "./volume_error.ts";
import { localPathFolder } from "./local_path_folders.ts";
import { type VolumeContext, type VolumeOf, type VolumeType, volumeTypeOf } from "./volume_type.ts";

export interface VolumesOptions {
  dataFolder: string;
  /** Of this node. */
  nodeName: string;
  /** Real paths besides the data folder of which no pod may see anything: the runtime's socket, state and storage. */
  protectedPaths?: readonly string[];
  view: Pick<View, "get">;
  clock: Pick<Clock, "now">;
  /** What can be made. */
  types: readonly VolumeType[];
  /** What pods can use of the node. */
  allocatable?: Readonly<Record<string, string>>;
  /** Absent: there are no tokens of service accounts. */
  tokens?: Pick<PodTokens, "tokenFor" | "forget"> | undefined;
  /** As on a machine where paths cannot be held; for tests. */
  openTree?: () => FileTree | undefined;
}

/** What the agent needs of {@linkcode Volumes}. */
export type PodVolumes = Pick<
  Volumes,
  | "make"
  | "refresh"
  | "mountsOf"
  | "devicesOf"
  | "releaseMounts"
  | "remove"
  | "unmount"
  | "collectGarbage"
>;

/**
 * The volumes of this node's pods, of the types in the list. Every call may be repeated. Those that change a pod's
 * files take turns, so that the last one shows what the view showed last.
 *
 * https://kubernetes.io/docs/concepts/storage/volumes/
 */
export class Volumes implements Disposable {
  readonly #options: VolumesOptions;
  /** By the uid of the pod. */
  readonly #turns = new Map<string, Slots>();
  #opened: { tree: FileTree | undefined } | undefined;

  constructor(options: VolumesOptions) {
    this.#options = options;
  }

  /** Closes what this object has open; what it has made stays. */
  [Symbol.dispose](): void {
    this.#opened?.tree?.[Symbol.dispose]();
    this.#opened = undefined;
  }

  /** Makes all volumes of a pod, or brings their files up to date. Throws {@linkcode VolumeError}. */
  async make(pod: Pod): Promise<void> {
    await this.#inTurn(pod.metadata.uid, async () => {
      for (const volume of pod.spec.volumes ?? []) {
        await this.#make(pod, volume).catch((error) => {
          if (error instanceof VolumeError) throw error;
          const cause = messageOf(error);
          throw new VolumeError(`MountVolume.SetUp failed for volume "${volume.name}" : ${cause}`);
        });
      }
    });
  }

  /** Makes those volumes again that are made of objects, one of which has changed. */
  async refresh(pod: Pod): Promise<void> {
    const { types } = this.#options;
    const volumes = (pod.spec.volumes ?? []).filter((volume) =>
      volumeTypeOf(types, volume)?.references
    );
    await this.make({ ...pod, spec: { ...pod.spec, volumes } });
  }

  /**
   * What a container mounts. `variables` are its environment, for `subPathExpr`. Throws
   * {@linkcode ConfigError} for a path that leaves its volume, or may not be shown.
   *
   * What a pod can change is bound to a private place first, and stays there until {@linkcode releaseMounts}: what was
   * checked is what the runtime mounts, whatever the pod makes of the path meanwhile.
   */
  async mountsOf(
    pod: Pod,
    container: Container,
    variables: Readonly<Record<string, string>>,
  ): Promise<Mount[]> {
    const folder = this.#folderOf(pod.metadata.uid).containerMounts(container.name);
    const tree = this.#fileTree;
    const pinned = new PinnedMounts(folder, tree);
    await pinned.release(); // of a run that was abandoned
    const mounts: Mount[] = [];
    for (const mount of container.volumeMounts ?? []) {
      const volume = pod.spec.volumes?.find(({ name }) => name === mount.name);
      if (volume === undefined) throw new ConfigError(`volume "${mount.name}" not found`);
      const { type, volume: own } = this.#volumeOf(pod, volume);
      if (type.isMountedByRuntime) continue;
      const place = type.placeOf(own, this.#context);
      const hostPath = await pinned.pathOf(place, mount, { container, variables });
      const readOnly = mount.readOnly || (type.isReadOnly ?? false) ||
        (type.isMountedReadOnly?.(own, this.#context) ?? false);
      const propagation = propagationOf(mount);
      mounts.push({
        ...{ hostPath, containerPath: mount.mountPath, readOnly },
        ...(propagation !== "private" && { propagation }),
      });
    }
    return mounts;
  }

  /** The devices that a container sees: volumes that are no file systems. Throws {@linkcode ConfigError}. */
  async devicesOf(pod: Pod, container: Container): Promise<{ volumeDevices?: DeviceMount[] }> {
    const volumeDevices: DeviceMount[] = [];
    for (const { name, devicePath } of container.volumeDevices ?? []) {
      const volume = pod.spec.volumes?.find((each) => each.name === name);
      if (volume === undefined) throw new ConfigError(`volume "${name}" not found`);
      const { type, volume: own } = this.#volumeOf(pod, volume);
      if (type.deviceOf === undefined) throw new ConfigError(`volume "${name}" is no device`);
      const hostPath = await type.deviceOf(own, this.#context);
      const readOnly = type.isMountedReadOnly?.(own, this.#context) ?? false;
      volumeDevices.push({ hostPath, containerPath: devicePath, readOnly });
    }
    return volumeDevices.length === 0 ? {} : { volumeDevices };
  }

  /** Releases what {@linkcode mountsOf} has bound: the container has its mounts, or was not started. */
  async releaseMounts(podUid: string, container: string): Promise<void> {
    const folder = this.#folderOf(podUid).containerMounts(container);
    await new PinnedMounts(folder, this.#fileTree).release();
  }

  /** At the agent's start, before any container is started: releases what an agent that was killed has bound. */
  async collectGarbage(): Promise<void> {
    for (const podUid of await podsWithFolder(this.#options.dataFolder)) {
      await new PinnedMounts(this.#folderOf(podUid).mounts, this.#fileTree).release();
    }
  }

  /** Removes the pod's volumes and what is mounted for them. */
  async remove(podUid: string): Promise<void> {
    await this.#inTurn(podUid, async () => {
      await this.unmount(podUid);
      await removeFolder(this.#folderOf(podUid).volumes);
    });
    this.#turns.delete(podUid);
    this.#options.tokens?.forget(podUid);
  }

  /** Unmounts what is mounted for the pod's volumes; files on the disk stay. */
  async unmount(podUid: string): Promise<void> {
    await unmountAll(this.#folderOf(podUid).path, this.#fileTree);
  }

  async #make(pod: Pod, volume: Volume): Promise<void> {
    const { type, volume: own } = this.#volumeOf(pod, volume);
    await type.make(own, this.#context);
  }

  async #inTurn(podUid: string, work: () => Promise<void>): Promise<void> {
    const turn = this.#turns.get(podUid) ?? new Slots(1);
    this.#turns.set(podUid, turn);
    await turn.use(work);
  }

  #volumeOf(pod: Pod, volume: Volume): { type: VolumeType; volume: VolumeOf<unknown> } {
    const { name } = volume;
    const type = volumeTypeOf(this.#options.types, volume);
    if (type === undefined) throw unknownVolume(volume);
    const { field, folderName = field } = type;
    const folder = this.#folderOf(pod.metadata.uid).volume(folderName, name);
    return { type, volume: { pod, name, source: ownField(volume, field), folder } };
  }

  get #context(): VolumeContext {
    const { view, clock, dataFolder, nodeName, protectedPaths = [], allocatable = {}, tokens } =
      this.#options;
    return {
      nodeName,
      volumesFolder: localPathFolder(dataFolder),
      view,
      nowMs: clock.now(),
      tree: this.#fileTree,
      protectedPaths: [dataFolder, ...protectedPaths],
      allocatable,
      ...(tokens && { tokens }),
    };
  }

  #folderOf(podUid: string): PodFolder {
    return new PodFolder(this.#options.dataFolder, podUid);
  }

  /** Opened once: that takes some milliseconds. */
  get #fileTree(): FileTree | undefined {
    const { openTree = FileTree.open } = this.#options;
    this.#opened ??= { tree: openTree() };
    return this.#opened.tree;
  }
}

/** As a node without the plugin or driver says it, for as long as there is none. */
function unknownVolume({ name, csi }: Volume): VolumeError {
  if (csi === undefined) return withoutPlugin(name);
  return new VolumeError(
    `MountVolume.SetUp failed for volume "${name}" : kubernetes.io/csi: mounter.SetUpAt failed to get CSI client: ` +
      `driver name ${csi.driver} not found in the list of registered CSI drivers`,
  );
}
