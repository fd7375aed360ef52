import { PodFolder } from "../folders/pod_folder.ts";
import type { Pod } from "../../core/resources/core/pods/pods.ts";
import type { ContainerState } from "../runtimes/container_runtime.ts";
import type { MeasuredContainer, MeasuredPod } from "./usage_reporter.ts";

/** The containers that run, of pods that are known, as they are measured. */
export function measuredPods(
  workers: readonly { pod: Pod | undefined; containers: readonly ContainerState[] }[],
  dataFolder: string,
): MeasuredPod[] {
  return workers.flatMap(({ pod, containers }) => {
    if (pod === undefined) return [];
    const { name, namespace, uid } = pod.metadata;
    const folder = new PodFolder(dataFolder, uid);
    const running = containers.flatMap((container): MeasuredContainer[] => {
      const { id, state, pid, startedAtMs = 0, layerFolder } = container;
      if (state !== "running" || pid === undefined) return [];
      return [{
        ...{ id, name: container.name, pid, startedAtMs },
        logFolder: folder.logFolder(container.name),
        ...(layerFolder !== undefined && { layerFolder }),
      }];
    });
    if (running.length === 0) return [];
    const startedAtMs = Date.parse(pod.status.startTime ?? pod.metadata.creationTimestamp);
    return [{ name, namespace, uid, startedAtMs, folder: folder.path, containers: running }];
  });
}
