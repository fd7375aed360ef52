import { ownField } from "../../core/lib/own_field.ts";
import type { View } from "../../core/client/client.ts";
import { ifAbsent } from "../../core/lib/absent.ts";
import type { Clock } from "../../core/lib/clock.ts";
import { FileTree } from "../../core/lib/linux/file_tree.ts";
import { removeFolder } from "../../core/lib/linux/folder_removal.ts";
import { Slots } from "../../core/lib/slots.ts";
import { configMaps } from "../../core/resources/core/config_maps.ts";
import type { Container } from "../../core/resources/core/pods/spec/containers.ts";
import type { Volume } from "../../core/resources/core/pods/spec/volumes.ts";
import { containersOf } from "../../core/resources/core/pods/spec/pod_containers.ts";
import type { Pod } from "../../core/resources/core/pods/pods.ts";
import { unitsOf } from "../../core/schema/quantities.ts";
import { secrets } from "../../core/resources/core/secrets.ts";
import { showFiles, type ShownFile } from "./atomic_files.ts";
import { ConfigError } from "../runtimes/config_error.ts";
import type { Mount } from "../runtimes/container_runtime.ts";
import { checkHostPath, holdHostPath } from "./host_path_files.ts";
import { PodFolder, podsWithFolder } from "../folders/pod_folder.ts";
import { mountMemory, unmountAll } from "./memory_folder.ts";
import { giveToGroup, ofGroup } from "./group_ownership.ts";
import { PinnedMounts, type VolumePlace } from "./pinned_mounts.ts";

/** A volume that could not be made. The message is that of the kubelet's `FailedMount` event. */
export class VolumeError extends Error {
  override name = "VolumeError";
}

export interface VolumesOptions {
  dataFolder: string;
  /** Real paths besides the data folder of which no pod may see anything: the runtime's socket, state and storage. */
  protectedPaths?: readonly string[];
  view: Pick<View, "get">;
  clock: Pick<Clock, "now">;
  /** As on a machine where paths cannot be held; for tests. */
  openTree?: () => FileTree | undefined;
}

/** What the agent needs of {@linkcode Volumes}. */
export type PodVolumes = Pick<
  Volumes,
  "make" | "refresh" | "mountsOf" | "releaseMounts" | "remove" | "unmount" | "collectGarbage"
>;

/**
 * The volumes of this node's pods: emptyDir, hostPath, configMap and secret. Every call may be repeated. Those that
 * change a pod's files take turns, so that the last one shows what the view showed last.
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

  /** Lets go of what this object holds; what it has made stays. */
  [Symbol.dispose](): void {
    this.#opened?.tree?.[Symbol.dispose]();
    this.#opened = undefined;
  }

  /** Makes all volumes of a pod, or brings their files up to date. Throws {@linkcode VolumeError}. */
  async make(pod: Pod): Promise<void> {
    await this.#inTurn(pod.metadata.uid, async () => {
      for (const volume of pod.spec.volumes ?? []) {
        await this.#makeOne(pod, volume).catch((error) => {
          const cause = error instanceof Error ? error.message : String(error);
          throw new VolumeError(`MountVolume.SetUp failed for volume "${volume.name}" : ${cause}`);
        });
      }
    });
  }

  /** Writes the files of configMap and secret volumes again when their objects have changed. */
  async refresh(pod: Pod): Promise<void> {
    const volumes = (pod.spec.volumes ?? []).filter(({ configMap, secret }) => configMap || secret);
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
    await pinned.release(); // of a run that was given up
    const mounts: Mount[] = [];
    for (const mount of container.volumeMounts ?? []) {
      const volume = pod.spec.volumes?.find(({ name }) => name === mount.name);
      if (volume === undefined) throw new ConfigError(`volume "${mount.name}" not found`);
      const place = this.#placeOf(pod, volume);
      const hostPath = await pinned.pathOf(place, mount, { container: container.name, variables });
      const readOnly = (mount.readOnly ?? false) || Boolean(volume.configMap ?? volume.secret);
      mounts.push({ hostPath, containerPath: mount.mountPath, readOnly });
    }
    return mounts;
  }

  /** Lets go of what {@linkcode mountsOf} has bound: the container has its mounts, or was not started. */
  async releaseMounts(podUid: string, container: string): Promise<void> {
    const folder = this.#folderOf(podUid).containerMounts(container);
    await new PinnedMounts(folder, this.#fileTree).release();
  }

  /** At the agent's start, before any container is started: lets go of what a killed predecessor has bound. */
  async collectGarbage(): Promise<void> {
    for (const podUid of await podsWithFolder(this.#options.dataFolder)) {
      await new PinnedMounts(this.#folderOf(podUid).mounts, this.#fileTree).release();
    }
  }

  /** Takes away the pod's volumes and what is mounted for them. */
  async remove(podUid: string): Promise<void> {
    await this.#inTurn(podUid, async () => {
      await this.unmount(podUid);
      await removeFolder(this.#folderOf(podUid).volumes);
    });
    this.#turns.delete(podUid);
  }

  /** Lets go of what is mounted for the pod's volumes; files on the disk stay. */
  async unmount(podUid: string): Promise<void> {
    await unmountAll(this.#folderOf(podUid).path, this.#fileTree);
  }

  async #inTurn(podUid: string, work: () => Promise<void>): Promise<void> {
    const turn = this.#turns.get(podUid) ?? new Slots(1);
    this.#turns.set(podUid, turn);
    await turn.use(work);
  }

  async #makeOne(pod: Pod, volume: Volume): Promise<void> {
    const { emptyDir, hostPath, configMap, secret } = volume;
    if (hostPath) return await this.#checkHostPath(hostPath);
    const { root } = this.#placeOf(pod, volume);
    const { fsGroup } = pod.spec.securityContext;
    if (configMap) {
      return await this.#show(root, ofGroup(this.#configMapFiles(pod, configMap), fsGroup));
    }
    if (secret) return await this.#show(root, ofGroup(this.#secretFiles(pod, secret), fsGroup));
    if (!emptyDir) throw unknownVolume(volume);
    await makeOpenFolder(root, fsGroup);
    if (emptyDir.medium === "Memory") {
      const { sizeLimit } = emptyDir;
      await mountMemory(root, sizeLimit === undefined ? undefined : unitsOf(sizeLimit));
      await giveToGroup(root, fsGroup);
    }
  }

  async #show(root: string, files: ShownFile[]): Promise<void> {
    await showFiles(root, files, this.#options.clock.now());
    await Deno.chmod(root, 0o755);
  }

  async #checkHostPath(hostPath: NonNullable<Volume["hostPath"]>): Promise<void> {
    const tree = this.#fileTree;
    if (tree === undefined) return await checkHostPath(hostPath, this.#protectedPaths);
    using _held = await holdHostPath(hostPath, this.#protectedPaths, tree);
  }

  #placeOf(pod: Pod, volume: Volume): VolumePlace {
    const { name, emptyDir, hostPath, configMap, secret } = volume;
    const folder = this.#folderOf(pod.metadata.uid);
    if (hostPath) {
      const hold = (tree: FileTree) => holdHostPath(hostPath, this.#protectedPaths, tree);
      return { root: hostPath.path, hold, isOfPods: true };
    }
    if (configMap) return { root: folder.volume("configmap", name), isOfPods: false };
    if (secret) return { root: folder.volume("secret", name), isOfPods: false };
    if (emptyDir) return { root: folder.volume("empty-dir", name), isOfPods: true };
    throw unknownVolume(volume);
  }

  get #protectedPaths(): readonly string[] {
    return [this.#options.dataFolder, ...this.#options.protectedPaths ?? []];
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

  #configMapFiles(pod: Pod, source: NonNullable<Volume["configMap"]>): ShownFile[] {
    const { name = "", optional = false, items, defaultMode } = source;
    const { namespace } = pod.metadata;
    const object = this.#options.view.get(configMaps, { namespace, name });
    if (object === undefined && !optional) throw new Error(`configmap "${name}" not found`);
    const data = {
      ...mapped(object?.data, (text) => new TextEncoder().encode(text)),
      ...mapped(object?.binaryData, (base64) => Uint8Array.fromBase64(base64)),
    };
    const missing = "configmap references non-existent config key";
    return filesOf(data, items, { mode: defaultMode, optional, missing });
  }

  #secretFiles(pod: Pod, source: NonNullable<Volume["secret"]>): ShownFile[] {
    const { secretName: name = "", optional = false, items, defaultMode } = source;
    const { namespace } = pod.metadata;
    const object = this.#options.view.get(secrets, { namespace, name });
    if (object === undefined && !optional) throw new Error(`secret "${name}" not found`);
    const data = mapped(object?.data, (base64) => Uint8Array.fromBase64(base64));
    const missing = "references non-existent secret key";
    return filesOf(data, items, { mode: defaultMode, optional, missing });
  }
}

/** The names of the ConfigMaps and Secrets that a pod takes files or variables from: `configmap/NAME`. */
export function referencesOf({ spec }: Pod): ReadonlySet<string> {
  const names = new Set<string>();
  for (const { configMap, secret } of spec.volumes ?? []) {
    if (configMap) names.add(`configmap/${configMap.name}`);
    if (secret) names.add(`secret/${secret.secretName}`);
  }
  for (const { container: { env, envFrom } } of containersOf(spec)) {
    for (const { configMapRef, secretRef } of envFrom ?? []) {
      if (configMapRef) names.add(`configmap/${configMapRef.name}`);
      if (secretRef) names.add(`secret/${secretRef.name}`);
    }
    for (const { valueFrom } of env ?? []) {
      if (valueFrom?.configMapKeyRef) names.add(`configmap/${valueFrom.configMapKeyRef.name}`);
      if (valueFrom?.secretKeyRef) names.add(`secret/${valueFrom.secretKeyRef.name}`);
    }
  }
  return names;
}

/** Makes a folder that all may write to. One that is there already keeps the mode that its containers gave it. */
async function makeOpenFolder(path: string, groupId: number | undefined): Promise<void> {
  if (await Deno.stat(path).catch(ifAbsent) !== undefined) return;
  const fresh = `${path}.new`; // no volume is called so
  await Deno.mkdir(fresh, { recursive: true });
  await Deno.chmod(fresh, 0o777); // the umask must not count
  await giveToGroup(fresh, groupId);
  await Deno.rename(fresh, path);
}

type Items = NonNullable<Volume["configMap"]>["items"];

/** The files of an object's keys. A key that an item names must be there, unless all is optional. */
function filesOf(
  data: Readonly<Record<string, Uint8Array>>,
  items: Items,
  { mode, optional, missing }: { mode: number; optional: boolean; missing: string },
): ShownFile[] {
  if (!items) return Object.entries(data).map(([path, bytes]) => ({ path, bytes, mode }));
  return items.flatMap(({ key, path, mode: own }) => {
    const bytes = ownField(data, key);
    if (bytes === undefined && optional) return [];
    if (bytes === undefined) throw new Error(`${missing}: ${key}`);
    return [{ path, bytes, mode: own ?? mode }];
  });
}

function unknownVolume(volume: Volume): Error {
  const type = Object.keys(volume).find((key) => key !== "name") ?? "none";
  return new Error(`volumes of type "${type}" are not supported by this agent`);
}

function mapped<A, B>(
  record: Readonly<Record<string, A>> | undefined,
  change: (value: A) => B,
): Record<string, B> {
  return Object.fromEntries(
    Object.entries(record ?? {}).map(([key, value]) => [key, change(value)]),
  );
}
