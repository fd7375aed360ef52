import { ownField } from "../../core/lib/own_field.ts";
import { podRequestsOf } from "../../core/quota/pod_amounts.ts";
import { selectedNodes } from "../../core/resources/core/nodes/node_selection.ts";
import type { Node } from "../../core/resources/core/nodes/nodes.ts";
import type { Pod } from "../../core/resources/core/pods/pods.ts";
import { qosClassOf } from "../../core/resources/core/pods/spec/qos.ts";
import { parseQuantity } from "../../core/schema/quantities.ts";
import { isCritical } from "../eviction/ranking.ts";
import type { PressureCondition } from "../eviction/thresholds.ts";
import type { PodRejection } from "../pods/runs/observed_pod.ts";

/** What a node knows when a pod comes. */
export interface AdmittingNode {
  /** `undefined`: not registered yet. */
  readonly node: Node | undefined;
  readonly allocatable: Readonly<Record<string, string>>;
  /** The pods that it has already, without those that have ended. */
  readonly others: readonly Pod[];
  readonly pressure: ReadonlySet<PressureCondition>;
}

const MEMORY_PRESSURE = "node.kubernetes.io/memory-pressure";

/**
 * Why a node does not take a pod that was bound to it: by a scheduler that knew less, or by hand. Reasons and words are
 * those of the kubelet (`pkg/kubelet/lifecycle/predicate.go`, `pkg/kubelet/eviction`). Pure.
 */
export function admissionFault(pod: Pod, known: AdmittingNode): PodRejection | undefined {
  return pressureFault(pod, known) ?? resourceFault(pod, known) ?? placeFault(pod, known);
}

function pressureFault(pod: Pod, { pressure }: AdmittingNode): PodRejection | undefined {
  if (pressure.size === 0 || isCritical(pod)) return undefined;
  const isOnlyMemory = pressure.size === 1 && pressure.has("MemoryPressure");
  if (isOnlyMemory && (qosClassOf(pod.spec) !== "BestEffort" || toleratesMemoryPressure(pod))) {
    return undefined;
  }
  return { reason: "Evicted", message: `The node had condition: [${[...pressure].join(" ")}]. ` };
}

function toleratesMemoryPressure({ spec: { tolerations = [] } }: Pod): boolean {
  return tolerations.some(({ key, effect, operator }) =>
    (!key || key === MEMORY_PRESSURE) && (!effect || effect === "NoSchedule") &&
    (operator === "Exists" || key === MEMORY_PRESSURE)
  );
}

/** What the kubelet calls it when something is used up. */
const OUT_OF: Readonly<Record<string, string>> = {
  cpu: "OutOfcpu",
  memory: "OutOfmemory",
  "ephemeral-storage": "OutOfephemeral-storage",
  pods: "OutOfpods",
};

function resourceFault(pod: Pod, { allocatable, others }: AdmittingNode): PodRejection | undefined {
  const capacityOf = (resource: string) =>
    parseQuantity(ownField(allocatable, resource) ?? "0").nanos;
  const podsMax = Number(capacityOf("pods") / 1_000_000_000n);
  if (others.length + 1 > podsMax) {
    return outOf("pods", { requested: 1, used: others.length, capacity: podsMax });
  }
  const requests = podRequestsOf(pod);
  for (const resource of Object.keys(allocatable)) {
    const wanted = requests.get(resource)?.nanos ?? 0n;
    if (resource === "pods" || wanted === 0n) continue;
    const used = others.reduce(
      (sum, each) => sum + (podRequestsOf(each).get(resource)?.nanos ?? 0n),
      0n,
    );
    const capacity = capacityOf(resource);
    if (wanted + used <= capacity) continue;
    const unit = resource === "cpu" ? 1_000_000n : 1_000_000_000n; // processors are counted in thousandths
    return outOf(resource, {
      requested: Number(wanted / unit),
      used: Number(used / unit),
      capacity: Number(capacity / unit),
    });
  }
  return undefined;
}

function outOf(
  resource: string,
  { requested, used, capacity }: { requested: number; used: number; capacity: number },
): PodRejection {
  const message = `Node didn't have enough resource: ${resource}, requested: ${requested}, ` +
    `used: ${used}, capacity: ${capacity}`;
  const reason = Object.hasOwn(OUT_OF, resource) ? OUT_OF[resource]! : `OutOf${resource}`;
  return { reason, message };
}

function placeFault(pod: Pod, { node, others }: AdmittingNode): PodRejection | undefined {
  if (node === undefined) return undefined;
  const selects = selectedNodes(pod.spec);
  if (selects !== undefined && !selects(node)) {
    return failed("NodeAffinity", "node(s) didn't match Pod's node affinity/selector");
  }
  if (others.some((other) => haveOnePort(pod, other))) {
    return failed("NodePorts", "node(s) didn't have free ports for the requested pod ports");
  }
  return undefined;
}

function failed(predicate: string, why: string): PodRejection {
  return { reason: predicate, message: `Predicate ${predicate} failed: ${why}` };
}

interface HostPort {
  port: number;
  protocol: string;
  ip: string;
}

function haveOnePort(a: Pod, b: Pod): boolean {
  const taken = hostPortsOf(b);
  return hostPortsOf(a).some((one) =>
    taken.some((other) =>
      one.port === other.port && one.protocol === other.protocol &&
      (one.ip === other.ip || isAny(one.ip) || isAny(other.ip))
    )
  );
}

function hostPortsOf({ spec }: Pod): HostPort[] {
  return spec.containers.flatMap(({ ports = [] }) =>
    ports.flatMap(({ hostPort, protocol = "TCP", hostIP = "" }) =>
      hostPort ? [{ port: hostPort, protocol, ip: hostIP }] : []
    )
  );
}

function isAny(ip: string): boolean {
  return ip === "" || ip === "0.0.0.0" || ip === "::";
}
