import { isEqual } from "../../../../../lib/equality.ts";
import { jsonIdentity } from "../../../../../lib/json/json_identity.ts";
import { type Cause, forbidden, invalid } from "../../../../../schema/causes.ts";
import type { PodSpec } from "../pod_spec.ts";
import { qosClassOf } from "../qos.ts";

const CHANGEABLE =
  "`spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`," +
  "`spec.tolerations` (only additions to existing tolerations)," +
  "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

/** What an update of a pod may not change, in the words of `ValidatePodUpdate`. Bindings do not come here. */
export function podUpdateCauses(next: PodSpec, previous: PodSpec): Cause[] {
  if (isEqual(next, previous)) return [];
  if (next.containers.length !== previous.containers.length) {
    return [forbidden("spec.containers", "pod updates may not add or remove containers")];
  }
  if ((next.initContainers?.length ?? 0) !== (previous.initContainers?.length ?? 0)) {
    return [forbidden("spec.initContainers", "pod updates may not add or remove containers")];
  }
  const causes = [
    ...deadlineCauses(next.activeDeadlineSeconds, previous.activeDeadlineSeconds),
    ...tolerationCauses(next, previous),
    ...gateCauses(next, previous),
  ];
  if (qosClassOf(next) !== qosClassOf(previous)) {
    causes.push(invalid("spec", qosClassOf(next), "Pod QoS is immutable"));
  }
  if (!isEqual(withoutChangeable(next, previous), previous)) {
    causes.push(
      forbidden("spec", `pod updates may not change fields other than ${CHANGEABLE}`),
    );
  }
  return causes;
}

function deadlineCauses(next: number | undefined, previous: number | undefined): Cause[] {
  const field = "spec.activeDeadlineSeconds";
  if (previous === undefined) return [];
  if (next === undefined) {
    return [invalid(field, null, "must not update from a positive integer to nil value")];
  }
  return next <= previous
    ? []
    : [invalid(field, next, "must be less than or equal to previous value")];
}

function tolerationCauses(next: PodSpec, previous: PodSpec): Cause[] {
  const without = (
    { tolerationSeconds: _, ...rest }: NonNullable<PodSpec["tolerations"]>[number],
  ) => rest;
  const kept = new Set((next.tolerations ?? []).map((each) => jsonIdentity(without(each))));
  const areAllKept = (previous.tolerations ?? []).every((old) =>
    kept.has(jsonIdentity(without(old)))
  );
  const rule = "existing toleration can not be modified except its tolerationSeconds";
  return areAllKept ? [] : [forbidden("spec.tolerations", rule)];
}

function gateCauses(next: PodSpec, previous: PodSpec): Cause[] {
  const old = new Set((previous.schedulingGates ?? []).map(({ name }) => name));
  return (next.schedulingGates ?? []).flatMap(({ name }, i) =>
    old.has(name) ? [] : [
      forbidden(
        `spec.schedulingGates[${i}].name`,
        `only deletion is allowed, but found new scheduling gate '${name}'`,
      ),
    ]
  );
}

/** `next` with what may change put back to what it was. */
function withoutChangeable(next: PodSpec, previous: PodSpec): PodSpec {
  const restored: PodSpec = { ...next, containers: imagesOf(next.containers, previous.containers) };
  if (next.initContainers) {
    restored.initContainers = imagesOf(next.initContainers, previous.initContainers ?? []);
  }
  const changeable = ["activeDeadlineSeconds", "tolerations", "schedulingGates"] as const;
  for (const name of changeable) putBack(restored, previous, name);
  if (previous.terminationGracePeriodSeconds < 0 && next.terminationGracePeriodSeconds === 1) {
    restored.terminationGracePeriodSeconds = previous.terminationGracePeriodSeconds;
  }
  return restored;
}

type Containers = PodSpec["containers"];

function imagesOf(next: Containers, previous: Containers): Containers {
  return next.map((container, i) => {
    const image = previous[i]?.image;
    return image === undefined ? container : { ...container, image };
  });
}

function putBack<K extends keyof PodSpec>(into: PodSpec, from: PodSpec, name: K): void {
  if (from[name] === undefined) delete into[name];
  else into[name] = from[name];
}
