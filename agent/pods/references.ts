import { isEqual } from "../../core/lib/equality.ts";
import { ownField } from "../../core/lib/own_field.ts";
import { containersOf } from "../../core/resources/core/pods/spec/pod_containers.ts";
import type { Pod } from "../../core/resources/core/pods/pods.ts";
import { type AnyResource, groupResourceOf } from "../../core/resources/resource.ts";
import { type ObjectReference, type VolumeType, volumeTypeOf } from "../volumes/volume_type.ts";
import { ENVIRONMENT_KINDS, environmentReferencesOf } from "./environment.ts";

/** The kinds of objects that pods are made of: by volumes of these types, and by their environment. Each once. */
export function referencedKinds(types: readonly VolumeType[]): AnyResource[] {
  const kinds = [...types.flatMap(({ reads = [] }) => reads), ...ENVIRONMENT_KINDS];
  return [...new Map(kinds.map((kind) => [groupResourceOf(kind), kind])).values()];
}

/** The objects that a pod is made of, by {@linkcode referenceKey}. */
export function referencesOf(pod: Pod, types: readonly VolumeType[]): ReadonlySet<string> {
  const { spec } = pod;
  const references = [
    ...(spec.volumes ?? []).flatMap((volume) => {
      const type = volumeTypeOf(types, volume);
      return type?.references?.(ownField(volume, type.field), { pod, name: volume.name }) ?? [];
    }),
    ...containersOf(spec).flatMap(({ container }) => environmentReferencesOf(container)),
  ];
  return new Set(references.map(referenceKey));
}

/** Whether volumes show what has changed of the pod itself: its labels or annotations. */
export function showChange(
  before: Pod | undefined,
  { metadata: { labels, annotations }, spec }: Pod,
  types: readonly VolumeType[],
): boolean {
  const { metadata } = before ?? {};
  if (isEqual(labels, metadata?.labels) && isEqual(annotations, metadata?.annotations)) {
    return false;
  }
  return (spec.volumes ?? []).some((volume) => {
    const type = volumeTypeOf(types, volume);
    return type?.showsPod?.(ownField(volume, type.field)) ?? false;
  });
}

/** E.g. `configmaps/settings`: an object of the pod's own namespace. */
export function referenceKey({ resource, name }: ObjectReference): string {
  return `${groupResourceOf(resource)}/${name}`;
}
