import type { Pod } from "../../core/resources/core/pods/pods.ts";
import { containerNamed } from "../../core/resources/core/pods/spec/pod_containers.ts";
import type { Volume } from "../../core/resources/core/pods/spec/volumes.ts";
import type { VolumeFile } from "./atomic_files.ts";
import { fieldOf, resourceFieldOf } from "./pod_fields.ts";

type Item = NonNullable<NonNullable<Volume["downwardAPI"]>["items"]>[number];

/**
 * Fields of a pod as files.
 *
 * https://kubernetes.io/docs/concepts/workloads/pods/downward-api/
 */
export function downwardFiles(
  pod: Pod,
  items: readonly Item[],
  { defaultMode, allocatable }: {
    defaultMode: number;
    allocatable: Readonly<Record<string, string>>;
  },
): VolumeFile[] {
  return items.map((item) => ({
    path: item.path,
    bytes: new TextEncoder().encode(textOf(pod, item, allocatable)),
    mode: item.mode ?? defaultMode,
  }));
}

function textOf(
  pod: Pod,
  { fieldRef, resourceFieldRef }: Item,
  allocatable: Readonly<Record<string, string>>,
): string {
  if (fieldRef) return fieldText(pod, fieldRef.fieldPath);
  if (!resourceFieldRef) return "";
  const { containerName = "" } = resourceFieldRef;
  const container = containerNamed(pod.spec, containerName);
  if (container === undefined) throw new Error(`container ${containerName} not found`);
  return resourceFieldOf(pod, container, resourceFieldRef, allocatable);
}

function fieldText(pod: Pod, path: string): string {
  switch (path) {
    case "metadata.labels":
      return linesOf(pod.metadata.labels);
    case "metadata.annotations":
      return linesOf(pod.metadata.annotations);
    default:
      return fieldOf(pod, path, { hostIP: "", podIP: "" });
  }
}

/** A line for each entry, in the order of the keys, the value quoted. */
function linesOf(entries: Readonly<Record<string, string>> = {}): string {
  return Object.entries(entries).toSorted(([a], [b]) => a < b ? -1 : 1)
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`).join("\n");
}
