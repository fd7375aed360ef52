import { ownField } from "../../core/lib/own_field.ts";
import {
  containersInRoles,
  containersOf,
} from "../../core/resources/core/pods/spec/pod_containers.ts";
import type { Pod } from "../../core/resources/core/pods/pods.ts";
import { quantityOfBytes, unitsOf } from "../../core/schema/quantities.ts";
import { PodFolder } from "../folders/pod_folder.ts";
import type { MachineReadings } from "../stats/machine_readings.ts";
import type { ContainerState } from "../runtimes/container_runtime.ts";

const RESOURCE = "ephemeral-storage";

/** What a pod keeps on the disk of its node, in bytes. */
export interface LocalUse {
  /** By the name of the volume. */
  emptyDirs: ReadonlyMap<string, number>;
  /** What containers have written beside their volumes, and their logs, by name. */
  containers: ReadonlyMap<string, number>;
}

/** Whether the pod has any limit for what it keeps on the disk. */
export function hasStorageLimit(pod: Pod): boolean {
  return limitedDirs(pod).length > 0 ||
    containersOf(pod.spec).some(({ container }) => limitOf(container) !== undefined);
}

/**
 * Why a pod is evicted that keeps more on the disk than it may, in the words of the kubelet's eviction manager
 * (`localStorageEviction`); `undefined`: it does not. Pure.
 */
export function storageExcessOf(pod: Pod, use: LocalUse): string | undefined {
  for (const { name, sizeLimit } of limitedDirs(pod)) {
    if ((use.emptyDirs.get(name) ?? 0) <= unitsOf(sizeLimit)) continue;
    return `Usage of EmptyDir volume "${name}" exceeds the limit "${sizeLimit}". `;
  }
  const ofPod = podLimitOf(pod);
  const total = [...use.emptyDirs.values(), ...use.containers.values()].reduce((a, b) => a + b, 0);
  if (ofPod !== undefined && total > ofPod) {
    const limit = quantityOfBytes(ofPod);
    return `Pod ephemeral local storage usage exceeds the total limit of containers ${limit}. `;
  }
  for (const container of pod.spec.containers) {
    const limit = limitOf(container);
    if (limit === undefined || unitsOf(limit) === 0) continue;
    if ((use.containers.get(container.name) ?? 0) <= unitsOf(limit)) continue;
    return `Container ${container.name} exceeded its local ephemeral storage limit "${limit}". `;
  }
  return undefined;
}

/** Those on the disk: one in memory cannot grow beyond its limit. */
function limitedDirs({ spec: { volumes = [] } }: Pod): { name: string; sizeLimit: string }[] {
  return volumes.flatMap(({ name, emptyDir }) => {
    const { sizeLimit, medium } = emptyDir ?? {};
    const isLimited = sizeLimit !== undefined && medium !== "Memory" && unitsOf(sizeLimit) > 0;
    return isLimited ? [{ name, sizeLimit }] : [];
  });
}

type Container = Pod["spec"]["containers"][number];

function limitOf({ resources }: Pick<Container, "resources">): string | undefined {
  return ownField(resources.limits, RESOURCE);
}

/** The sum of those that run side by side, or what an init container may have. Kubernetes: `PodLimits`. */
function podLimitOf({ spec }: Pod): number | undefined {
  const limitsOf = (...roles: ("main" | "init" | "sidecar")[]) =>
    containersInRoles(spec, ...roles).flatMap((each) => {
      const limit = limitOf(each);
      return limit === undefined ? [] : [unitsOf(limit)];
    });
  const running = limitsOf("main", "sidecar");
  const init = limitsOf("init");
  if (running.length + init.length === 0) return undefined;
  return Math.max(running.reduce((a, b) => a + b, 0), ...init);
}

/** Measures what a pod with limits keeps on the disk: its files are counted. */
export async function localUseOf(
  pod: Pod,
  containers: readonly ContainerState[],
  { readings, dataFolder }: { readings: Pick<MachineReadings, "files">; dataFolder: string },
): Promise<LocalUse> {
  const folder = new PodFolder(dataFolder, pod.metadata.uid);
  const bytesIn = async (...folders: string[]) => (await readings.files(folders)).bytes;
  const emptyDirs = new Map<string, number>();
  for (const { name, emptyDir } of pod.spec.volumes ?? []) {
    if (!emptyDir || emptyDir.medium === "Memory") continue;
    emptyDirs.set(name, await bytesIn(folder.volume("empty-dir", name)));
  }
  const used = new Map<string, number>();
  for (const { name, state, layerFolder } of containers) {
    if (state !== "running") continue;
    used.set(name, await bytesIn(folder.logFolder(name), ...(layerFolder ? [layerFolder] : [])));
  }
  return { emptyDirs, containers: used };
}
