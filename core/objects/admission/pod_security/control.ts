import type { Container } from "../../../resources/core/pods/spec/containers.ts";
import { containersOf } from "../../../resources/core/pods/spec/pod_containers.ts";
import type { PodSpec } from "../../../resources/core/pods/spec/pod_spec.ts";

/** What is asked of a pod, or of the pods that a template makes. */
export interface CheckedPod {
  annotations: Readonly<Record<string, string>>;
  spec: PodSpec;
  /** Of all sorts: those that come first, those that stay, those that are added to look into it. */
  containers: readonly Container[];
}

/** What a pod does that its namespace does not want, as words: `host namespaces (hostPID=true)`. */
export interface Violation {
  reason: string;
  detail: string;
}

/** One control of the Pod Security Standards; `undefined`: the pod keeps to it. */
export type Control = (pod: CheckedPod) => Violation | undefined;

export function askedPod(
  annotations: Readonly<Record<string, string>> | undefined,
  spec: PodSpec,
): CheckedPod {
  return {
    annotations: annotations ?? {},
    spec,
    containers: containersOf(spec).map(({ container }) => container),
  };
}

/** `"a", "b"` */
export function quoted(words: Iterable<string>): string {
  return [...words].map((word) => `"${word}"`).join(", ");
}

/** In the order of Go, each once. */
export function sorted(words: Iterable<string>): string[] {
  return [...new Set(words)].sort();
}

/** `container "a"`, or `containers "a", "b"`. */
export function counted(noun: string, names: readonly string[]): string {
  return `${plural(noun, names.length)} ${quoted(names)}`;
}

export function plural(noun: string, count: number): string {
  return count === 1 ? noun : `${noun}s`;
}

/** The names of the containers of which something holds. */
export function namesOf(
  { containers }: CheckedPod,
  holds: (container: Container) => boolean,
): string[] {
  return containers.filter(holds).map(({ name }) => name);
}

/** Who has set something: `pod and containers "a", "b"`. Empty when nobody has. */
export function settersOf(isPod: boolean, containers: readonly string[]): string {
  return [
    ...(isPod ? ["pod"] : []),
    ...(containers.length > 0 ? [counted("container", containers)] : []),
  ].join(" and ");
}
