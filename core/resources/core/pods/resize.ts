import { isEqual } from "../../../lib/equality.ts";
import { isJsonObject, objectIn } from "../../../lib/json/json_value.ts";
import { type Cause, forbidden, invalid } from "../../../schema/causes.ts";
import type { TypeOf } from "../../../schema/schema.ts";
import type { NamespacedObject } from "../../resource.ts";
import type { Subresource } from "../../subresource.ts";
import type { podStatus } from "./pod_status.ts";
import type { Container } from "./spec/containers.ts";
import type { PodSpec } from "./spec/pod_spec.ts";
import { qosClassOf } from "./spec/qos.ts";
import { podSpecCauses } from "./spec/rules/pod_rules.ts";
import { refusedFieldCauses } from "./spec/rules/refused_fields.ts";

type Pod = NamespacedObject & { spec: PodSpec; status: TypeOf<typeof podStatus> };

/**
 * PUT or PATCH pods/NAME/resize: what containers may use, while the pod is there. Nothing else of it changes. A node
 * that can change it for containers that run says so by telling in the status what they have.
 *
 * Kubernetes: `ValidatePodResize`. https://kubernetes.io/docs/tasks/configure-pod-container/resize-container-resources/
 */
export const resize: Subresource<Pod> = {
  name: "resize",
  verbs: ["get", "patch", "update"],
  admittedAs: "update",
  decide: (pod, sent) => {
    const given = objectIn(sent, "spec");
    const { containers, initContainers } = pod.spec;
    const spec: Record<string, unknown> = {
      ...pod.spec,
      containers: withAmountsOf(containers, given["containers"]),
    };
    const init = withAmountsOf(initContainers ?? [], given["initContainers"] ?? []);
    if (!Array.isArray(init) || init.length > 0) spec["initContainers"] = init;
    return { next: { ...pod, spec } as unknown as Pod }; // its shape is checked when it is admitted
  },
  validate: ({ spec }, previous) => {
    if (hasAmounts(spec) || hasAmounts(previous.spec)) {
      return [forbidden("", "pods with pod-level resources cannot be resized")];
    }
    if (previous.spec.os?.name === "windows") {
      return [forbidden("", "windows pods cannot be resized")];
    }
    return [
      ...podSpecCauses(spec, "spec"),
      ...refusedFieldCauses(spec, previous.spec, "spec"),
      ...resizeCauses(spec, previous),
    ];
  },
  warnings: () => [],
};

/** What was sent counts for amounts alone, unless containers come, go or change places: then the rules refuse it. */
function withAmountsOf(current: readonly Container[], given: unknown): unknown {
  if (!Array.isArray(given) || given.length !== current.length) return given;
  const isSame = given.every((each, i) => isJsonObject(each) && each["name"] === current[i]!.name);
  if (!isSame) return given;
  return current.map((container, i) => {
    const { resources: _, resizePolicy: __, ...rest } = container;
    const { resources, resizePolicy } = given[i];
    return {
      ...rest,
      ...(resources !== undefined && { resources }),
      ...(resizePolicy !== undefined && { resizePolicy }),
    };
  });
}

function hasAmounts({ resources }: PodSpec): boolean {
  const { requests = {}, limits = {} } = resources ?? {};
  return Object.keys(requests).length + Object.keys(limits).length > 0;
}

function resizeCauses(next: PodSpec, { spec: previous, status }: Pod): Cause[] {
  const causes: Cause[] = [];
  const quality = status.qosClass ?? qosClassOf(previous);
  if (qosClassOf(next) !== quality) {
    causes.push(invalid("spec", quality, "Pod QOS Class may not change as a result of resizing"));
  }
  const running = status.containerStatuses?.find(({ state }) => state?.running);
  if (running && running.resources === undefined) {
    causes.push(forbidden("spec", "Pod running on node without support for resize"));
  }
  const order = [
    ...orderCauses(next.containers, previous.containers, "containers"),
    ...orderCauses(next.initContainers ?? [], previous.initContainers ?? [], "initContainers"),
  ];
  if (order.length > 0) return [...causes, ...order];
  const init = previous.initContainers ?? [];
  return [
    ...causes,
    ...init.flatMap((old, i) => initCauses(next.initContainers![i]!, old, i)),
    ...previous.containers.flatMap((old, i) =>
      amountCauses(next.containers[i]!, old, {
        field: `spec.containers[${i}].resources`,
        rule: "only cpu and memory resources are mutable",
      })
    ),
  ];
}

function orderCauses(
  next: readonly Container[],
  previous: readonly Container[],
  list: "containers" | "initContainers",
): Cause[] {
  const field = `spec.${list}`;
  if (next.length !== previous.length) {
    return [forbidden(field, `${list} may not be added or removed on resize`)];
  }
  return previous.flatMap(({ name }, i) =>
    next[i]!.name === name
      ? []
      : [forbidden(`${field}[${i}].name`, `${list} may not be renamed or reordered on resize`)]
  );
}

function initCauses(next: Container, previous: Container, i: number): Cause[] {
  if (previous.restartPolicy === "Always") {
    return amountCauses(next, previous, {
      field: `spec.initContainers[${i}].resources`,
      rule: "only cpu and memory resources for sidecar containers are mutable",
    });
  }
  const rule = "resources for non-sidecar init containers are immutable";
  return isEqual(next, previous) ? [] : [forbidden("spec", rule)];
}

const RESIZABLE = ["cpu", "memory"];

function amountCauses(
  next: Container,
  previous: Container,
  { field, rule }: { field: string; rule: string },
): Cause[] {
  const causes: Cause[] = [];
  for (const name of ["requests", "limits"] as const) {
    const [before = {}, now = {}] = [previous.resources[name], next.resources[name]];
    if (Object.keys(before).every((key) => Object.hasOwn(now, key))) continue;
    causes.push(forbidden(`${field}.${name}`, `resource ${name} cannot be removed`));
  }
  const others = (container: Container) => {
    const { requests, limits, ...rest } = container.resources;
    const resources = { ...rest, requests: unresizable(requests), limits: unresizable(limits) };
    return { ...container, resizePolicy: undefined, resources };
  };
  if (!isEqual(others(next), others(previous))) causes.push(forbidden("spec", rule));
  return causes;
}

function unresizable(amounts: Record<string, string> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(amounts).filter(([name]) => !RESIZABLE.includes(name)));
}
