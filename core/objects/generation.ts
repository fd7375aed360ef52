import { isEqual } from "../lib/equality.ts";
import type { AnyResource, KubeObject } from "../resources/resource.ts";

/** The generation of a new object; `undefined` for kinds whose changes are not counted. */
export function firstGeneration({ generation }: AnyResource): number | undefined {
  return generation === "none" || generation === "changes" ? undefined : 1;
}

/** Counts one more when what the kind counts has changed; of a write of the status alone, the annotations do not count. */
export function withGeneration(
  resource: AnyResource,
  next: KubeObject,
  previous: KubeObject | undefined,
  { isOfStatus }: { isOfStatus: boolean },
): KubeObject {
  if (!previous || resource.generation === "first") return next;
  const generation = previous.metadata.generation ??
    (resource.generation === "changes" ? 0 : undefined);
  if (generation === undefined) return next;
  const countsAnnotations = resource.generation === "content and annotations" && !isOfStatus;
  const withStatus = resource.generation === "all content";
  const isSame = isEqual(contentOf(next, withStatus), contentOf(previous, withStatus)) &&
    (!countsAnnotations || isEqual(annotationsOf(next), annotationsOf(previous)));
  if (isSame) return next;
  return { ...next, metadata: { ...next.metadata, generation: generation + 1 } };
}

function contentOf(object: KubeObject, withStatus: boolean): object {
  const { metadata: _, status, ...content } = object as KubeObject & { status?: unknown };
  return withStatus ? { ...content, status } : content;
}

function annotationsOf({ metadata: { annotations = {} } }: KubeObject): object {
  return annotations;
}
