import type { StatefulSet } from "../../../resources/apps/stateful_sets.ts";
import type { KubeObject } from "../../../resources/resource.ts";

/** Kubernetes reads ordinals as 32 bits with sign. */
const ORDINAL_MAX = 2 ** 31 - 1;
const ORDINAL = /^(0|[1-9][0-9]{0,9})$/;

/** The pods that a set is to have: from the first ordinal to the last, both included; none when the last is lower. */
export interface Range {
  first: number;
  last: number;
}

export function rangeOf({ spec: { ordinals, replicas } }: StatefulSet): Range {
  const first = ordinals?.start ?? 0;
  return { first, last: first + replicas - 1 };
}

export function isIn({ first, last }: Range, ordinal: number): boolean {
  return first <= ordinal && ordinal <= last;
}

/** `web-0`. */
export function podNameOf({ metadata: { name } }: StatefulSet, ordinal: number): string {
  return `${name}-${ordinal}`;
}

/**
 * The number of a pod of the set; `undefined` when its name is not the set's and a number. `web-00` is none of `web`,
 * unlike in Kubernetes, where it and `web-0` are two pods of one ordinal.
 */
export function ordinalOf(set: StatefulSet, { metadata }: KubeObject): number | undefined {
  const prefix = `${set.metadata.name}-`;
  if (!metadata.name.startsWith(prefix)) return undefined;
  const digits = metadata.name.slice(prefix.length);
  return ORDINAL.test(digits) && Number(digits) <= ORDINAL_MAX ? Number(digits) : undefined;
}
