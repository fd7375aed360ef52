import { ApiError } from "../client/api_error.ts";
import type { ObjectName } from "../client/client.ts";
import { missing, notSupported } from "../schema/causes.ts";
import { type Pod, pods } from "../resources/core/pods/pods.ts";
import { withCondition } from "../resources/conditions.ts";
import type { KubeObject } from "../resources/resource.ts";
import { isJsonObject, objectIn } from "../lib/json/json_value.ts";
import type { Objects } from "./objects.ts";
import { badRequest, conflict, invalid } from "../client/refusals.ts";
import type { WriteOptions, Written } from "../client/write_options.ts";

/**
 * Puts a pod on a node, as a Binding (`v1`) says: once and for all. Throws Conflict when the pod has a node already.
 *
 * https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/binding-v1/
 */
export function bindPod(
  objects: Objects,
  pod: ObjectName,
  binding: unknown,
  options: WriteOptions = {},
): Promise<Written> {
  const { nodeName, uid } = targetOf(binding, pod.name);
  const nowMs = objects.clock.now();
  return objects.amend(
    pods,
    pod,
    (current) => bound(current as Pod, nodeName, uid, nowMs),
    options,
  );
}

function targetOf(binding: unknown, name: string): { nodeName: string; uid: unknown } {
  if (!isJsonObject(binding)) {
    throw badRequest("the object provided is unrecognized (must be of type Binding)");
  }
  const { kind = "", name: nodeName } = objectIn(binding, "target");
  const causes = [];
  if (kind !== "" && kind !== "Node") {
    causes.push(notSupported("target.kind", kind, ["Node", "<empty>"]));
  }
  if (typeof nodeName !== "string" || nodeName === "") causes.push(missing("target.name"));
  if (causes.length > 0) throw invalid({ group: "", kind: "Binding" }, name, causes);
  return { nodeName: String(nodeName), uid: objectIn(binding, "metadata")["uid"] };
}

function bound(pod: Pod, nodeName: string, uid: unknown, nowMs: number): KubeObject {
  const { name, deletionTimestamp } = pod.metadata;
  if (uid && uid !== pod.metadata.uid) {
    throw refused(
      name,
      `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${pod.metadata.uid}`,
    );
  }
  if (deletionTimestamp !== undefined) {
    throw refused(name, `pod ${name} is being deleted, cannot be assigned to a host`);
  }
  if (pod.spec.nodeName) {
    throw refused(name, `pod ${name} is already assigned to node "${pod.spec.nodeName}"`);
  }
  const scheduled = { type: "PodScheduled", status: "True" as const };
  const conditions = withCondition(pod.status.conditions, scheduled, nowMs);
  return {
    ...pod,
    spec: { ...pod.spec, nodeName },
    status: { ...pod.status, conditions },
  } as Pod;
}

function refused(name: string, why: string): ApiError {
  return conflict(pods, name, why, "binding");
}
