import { forbidden } from "../../../client/refusals.ts";
import { isEqual } from "../../../lib/equality.ts";
import { ownField } from "../../../lib/own_field.ts";
import { type Pod, pods } from "../../../resources/core/pods/pods.ts";
import { type RuntimeClass, runtimeClasses } from "../../../resources/node/runtime_classes.ts";
import { groupResourceOf, type KubeObject } from "../../../resources/resource.ts";
import type { Toleration } from "../../../resources/core/pods/spec/scheduling.ts";
import type { AdmissionRequest } from "../admission_rule.ts";
import { isOfKind } from "./kind_match.ts";

const CLASSES = groupResourceOf(runtimeClasses);

/**
 * Gives a new pod what its RuntimeClass says: what it needs beside its containers, and where it can run. A pod whose class
 * does not exist is refused, and one that says something else itself.
 *
 * https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#runtimeclass
 */
export function podRuntimeClass(request: AdmissionRequest): KubeObject {
  const { resource, next, previous, store } = request;
  if (previous || !isOfKind(resource, pods)) return next;
  const { runtimeClassName } = (next as Pod).spec;
  if (!runtimeClassName) return next;
  const found = store.newest([CLASSES, "", runtimeClassName])?.object as RuntimeClass | undefined;
  if (!found) {
    const name = JSON.stringify(runtimeClassName);
    throw refusal(request, `pod rejected: RuntimeClass ${name} not found`);
  }
  return withScheduling(request, withOverhead(request, next as Pod, found), found);
}

/** Only a RuntimeClass says what a pod needs beside its containers. */
export function podOverhead(request: AdmissionRequest): void {
  const { resource, next, previous, store } = request;
  if (previous || !isOfKind(resource, pods)) return;
  const { overhead, runtimeClassName } = (next as Pod).spec;
  if (!overhead) return;
  const entry = runtimeClassName ? store.newest([CLASSES, "", runtimeClassName]) : undefined;
  if ((entry?.object as RuntimeClass | undefined)?.overhead) return;
  throw refusal(
    request,
    "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead",
  );
}

function withOverhead(request: AdmissionRequest, pod: Pod, { overhead }: RuntimeClass): Pod {
  if (!overhead) return pod;
  const given = pod.spec.overhead ?? {};
  const { podFixed = {} } = overhead;
  if (Object.keys(given).length > 0 && !isEqual(given, podFixed)) {
    throw refusal(
      request,
      "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead",
    );
  }
  return { ...pod, spec: { ...pod.spec, overhead: podFixed } };
}

function withScheduling(request: AdmissionRequest, pod: Pod, { scheduling }: RuntimeClass): Pod {
  if (!scheduling) return pod;
  const { nodeSelector: own = {}, tolerations = [] } = pod.spec;
  const { nodeSelector: wanted = {} } = scheduling;
  for (const [key, value] of Object.entries(wanted)) {
    const given = ownField(own, key) ?? value;
    if (given === value) continue;
    throw refusal(
      request,
      `conflict: runtimeClass.scheduling.nodeSelector[${key}] = ${value}; pod.spec.nodeSelector[${key}] = ${given}`,
    );
  }
  const nodeSelector = { ...own, ...wanted };
  const spec = {
    ...pod.spec,
    ...(Object.keys(nodeSelector).length > 0 && { nodeSelector }),
    tolerations: merged(tolerations, scheduling.tolerations ?? []),
  };
  return { ...pod, spec };
}

/**
 * Tolerations without those that another one covers, as Kubernetes merges them.
 * k8s.io/kubernetes/pkg/util/tolerations.
 */
function merged(first: readonly Toleration[], second: readonly Toleration[]): Toleration[] {
  const all = [...first, ...second];
  const kept: Toleration[] = [];
  for (const [i, one] of all.entries()) {
    const isCovered = kept.some((other) => isEqual(other, one) || isSuperset(other, one)) ||
      all.slice(i + 1).some((other) => !isEqual(other, one) && isSuperset(other, one));
    if (!isCovered) kept.push(one);
  }
  return kept;
}

/** Whether `a` tolerates all that `b`, which is not the same, does. */
function isSuperset(a: Toleration, b: Toleration): boolean {
  const [key = "", effect = "", operator = "Equal"] = [a.key, a.effect, a.operator];
  if (key !== (b.key ?? "") && (key !== "" || operator !== "Exists")) return false;
  if (effect !== "" && effect !== (b.effect ?? "")) return false;
  const { tolerationSeconds: seconds } = a;
  if (effect === "NoExecute" && seconds !== undefined) {
    if (b.tolerationSeconds === undefined || b.tolerationSeconds > seconds) return false;
  }
  return operator === "Exists" || (b.operator === "Equal" && (a.value ?? "") === (b.value ?? ""));
}

function refusal({ resource, next }: AdmissionRequest, why: string): Error {
  return forbidden(resource, next.metadata.name, why);
}
