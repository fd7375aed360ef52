import { type Cause, duplicate, forbidden, invalid, missing } from "../../../schema/causes.ts";
import {
  labelNameFaults,
  labelValueFaults,
  qualifiedNameFaults,
  subdomainFaults,
} from "../../../schema/names.ts";
import type { ServicePort, ServiceSpec } from "./service_spec.ts";
import { nameCauses, portCauses, portNumberCauses } from "../../../schema/value_rules.ts";

/** A client that comes back within three hours finds its pod again. */
const AFFINITY_SECONDS = 10_800;
const AFFINITY_SECONDS_MAX = 86_400;

/** Defaults of one field that come from another. Source: k8s.io/kubernetes/pkg/apis/core/v1/defaults.go. */
export function withServiceDefaults(
  spec: ServiceSpec,
  previous: ServiceSpec | undefined,
): ServiceSpec {
  const { type, ports, sessionAffinity } = spec;
  const next = withoutLeftovers(spec, previous);
  if (ports) {
    next.ports = ports.map((port) => ({ ...port, targetPort: port.targetPort || port.port }));
  }
  if (type !== "ExternalName") next.internalTrafficPolicy ??= "Cluster";
  if (isReachableFromOutside(spec)) next.externalTrafficPolicy ??= "Cluster";
  if (type === "LoadBalancer") next.allocateLoadBalancerNodePorts ??= true;
  if (sessionAffinity === "None") delete next.sessionAffinityConfig;
  else {
    next.sessionAffinityConfig = {
      clientIP: { timeoutSeconds: AFFINITY_SECONDS, ...spec.sessionAffinityConfig?.clientIP },
    };
  }
  if (spec.clusterIP && !spec.clusterIPs) next.clusterIPs = [spec.clusterIP];
  if (!spec.clusterIP && spec.clusterIPs?.[0]) next.clusterIP = spec.clusterIPs[0];
  return next;
}

/**
 * Who changes one field need not take away by hand what had come with its old value. Kubernetes:
 * `dropTypeDependentFields`.
 */
function withoutLeftovers(spec: ServiceSpec, previous: ServiceSpec | undefined): ServiceSpec {
  const next = { ...spec };
  if (!previous) return next;
  for (const [field, hasIt] of DEPENDENT_FIELDS) {
    const isLeftOver = hasIt(previous) && !hasIt(spec) && spec[field] === previous[field];
    if (isLeftOver) delete next[field];
  }
  return next;
}

const DEPENDENT_FIELDS = [
  ["externalTrafficPolicy", isReachableFromOutside],
  ["healthCheckNodePort", hasHealthCheck],
  ["allocateLoadBalancerNodePorts", isLoadBalancer],
  ["loadBalancerClass", isLoadBalancer],
] as const;

function isLoadBalancer({ type }: Pick<ServiceSpec, "type">): boolean {
  return type === "LoadBalancer";
}

function isReachableFromOutside(spec: ServiceSpec): boolean {
  return needsNodePorts(spec) || (spec.type === "ClusterIP" && spec.externalIPs !== undefined);
}

/** Whether each of its ports is one of every node too. */
export function needsNodePorts({ type }: Pick<ServiceSpec, "type">): boolean {
  return type === "NodePort" || isLoadBalancer({ type });
}

/** Whether a load balancer asks nodes whether they have pods of the Service. */
export function hasHealthCheck({ type, externalTrafficPolicy }: ServiceSpec): boolean {
  return type === "LoadBalancer" && externalTrafficPolicy === "Local";
}

/** The rules for a Service, in the words of k8s.io/kubernetes/pkg/apis/core/validation, `ValidateService`. */
export function serviceCauses(spec: ServiceSpec): Cause[] {
  const { ports = [], type, clusterIP } = spec;
  const causes: Cause[] = [...typeCauses(spec), ...portListCauses(ports)];
  if (ports.length === 0 && clusterIP !== "None" && type !== "ExternalName") {
    causes.push(missing("spec.ports"));
  }
  if (type === "ClusterIP") {
    ports.forEach(({ nodePort }, i) => {
      const rule = "may not be used when `type` is 'ClusterIP'";
      if (nodePort) causes.push(forbidden(`spec.ports[${i}].nodePort`, rule));
    });
  }
  for (const [key, value] of Object.entries(spec.selector ?? {})) {
    causes.push(...nameCauses("spec.selector", key, qualifiedNameFaults));
    causes.push(...nameCauses("spec.selector", value, labelValueFaults));
  }
  return [...causes, ...affinityCauses(spec), ...outsideCauses(spec)];
}

function typeCauses({ type, clusterIP, clusterIPs, externalName }: ServiceSpec): Cause[] {
  switch (type) {
    case "ExternalName": {
      const name = externalName?.replace(/\.$/, "");
      const causes = name
        ? nameCauses("spec.externalName", name, subdomainFaults)
        : [missing("spec.externalName")];
      const rule = "may not be set for ExternalName services";
      return clusterIPs ? [forbidden("spec.clusterIPs", rule), ...causes] : causes;
    }
    case "NodePort":
    case "LoadBalancer": {
      const rule = `may not be set to 'None' for ${type} services`;
      return clusterIP === "None" ? [invalid("spec.clusterIPs[0]", clusterIP, rule)] : [];
    }
    default: // also for a word that is none: the schema has named it already
      return [];
  }
}

function portListCauses(ports: readonly ServicePort[]): Cause[] {
  const names = new Set<string>();
  const nodePorts = new Set<string>();
  return ports.flatMap((port, i) => {
    const at = `spec.ports[${i}]`;
    const { name, nodePort } = port;
    const causes = onePortCauses(port, at);
    if (!name && ports.length > 1) causes.unshift(missing(`${at}.name`));
    if (name && names.has(name)) causes.push(duplicate(`${at}.name`, name));
    if (name) names.add(name);
    const key = `${port.protocol}/${nodePort}`;
    if (nodePort && nodePorts.has(key)) causes.push(duplicate(`${at}.nodePort`, nodePort));
    nodePorts.add(key);
    return causes;
  });
}

function onePortCauses({ name, port, targetPort, appProtocol }: ServicePort, at: string): Cause[] {
  return [
    ...nameCauses(`${at}.name`, name, labelNameFaults),
    ...(port === undefined ? [] : portNumberCauses(`${at}.port`, port)),
    ...(targetPort === undefined ? [] : portCauses(`${at}.targetPort`, targetPort)),
    ...nameCauses(`${at}.appProtocol`, appProtocol, qualifiedNameFaults),
  ];
}

function affinityCauses({ sessionAffinityConfig }: ServiceSpec): Cause[] {
  const field = "spec.sessionAffinityConfig";
  const seconds = sessionAffinityConfig?.clientIP?.timeoutSeconds ?? AFFINITY_SECONDS;
  const rule = `must be greater than 0 and less than ${AFFINITY_SECONDS_MAX}`;
  return seconds > 0 && seconds <= AFFINITY_SECONDS_MAX
    ? []
    : [invalid(`${field}.clientIP.timeoutSeconds`, seconds, rule)];
}

/** What only Services have that can be reached from outside. */
function outsideCauses(spec: ServiceSpec): Cause[] {
  const { type, externalTrafficPolicy, healthCheckNodePort, loadBalancerSourceRanges } = spec;
  const causes: Cause[] = [];
  if (externalTrafficPolicy && !isReachableFromOutside(spec)) {
    const rule = "may only be set for externally-accessible services";
    causes.push(invalid("spec.externalTrafficPolicy", externalTrafficPolicy, rule));
  }
  if (healthCheckNodePort && !hasHealthCheck(spec)) {
    const rule =
      "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
    causes.push(invalid("spec.healthCheckNodePort", healthCheckNodePort, rule));
  }
  if (type === "LoadBalancer") return causes;
  const rule = "may only be used when `type` is 'LoadBalancer'";
  if (loadBalancerSourceRanges) {
    causes.push(forbidden("spec.LoadBalancerSourceRanges", rule));
  }
  if (spec.allocateLoadBalancerNodePorts !== undefined) {
    causes.push(forbidden("spec.allocateLoadBalancerNodePorts", rule));
  }
  if (spec.loadBalancerClass) causes.push(forbidden("spec.loadBalancerClass", rule));
  return causes;
}

/** Clients remember an address: it stays what it is. */
export function serviceUpdateCauses(next: ServiceSpec, previous: ServiceSpec): Cause[] {
  if (next.type === "ExternalName" || previous.type === "ExternalName") return [];
  const before = previous.clusterIP;
  return before && next.clusterIP !== before
    ? [invalid("spec.clusterIPs[0]", next.clusterIPs ?? [], "may not change once set")]
    : [];
}
