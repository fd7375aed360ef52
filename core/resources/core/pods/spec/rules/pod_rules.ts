import { type Cause, forbidden, invalid } from "../../../../../schema/causes.ts";
import {
  labelNameFaults,
  labelValueFaults,
  qualifiedNameFaults,
  subdomainFaults,
} from "../../../../../schema/names.ts";
import { nameCauses, nonNegativeCauses, rangeCauses } from "../../../../../schema/value_rules.ts";
import { containersCauses } from "./container_rules.ts";
import { hostFileCauses } from "./host_file_rules.ts";
import { podAffinityCauses, spreadCauses } from "./neighbour_rules.ts";
import { nodeSelectorCauses } from "./node_selector_rules.ts";
import type { PodSpec } from "../pod_spec.ts";
import type { Toleration } from "../scheduling.ts";
import { podSecurityCauses } from "./security_rules.ts";
import { nulCauses } from "./text_rules.ts";
import { volumeCauses } from "./volume_rules.ts";

const SECONDS_MAX = 2 ** 31 - 1;

/**
 * Every rule that a PodSpec breaks and that its schema does not say, in the words of
 * k8s.io/kubernetes/pkg/apis/core/validation. `field` is the path of the spec.
 */
export function podSpecCauses(spec: PodSpec, field: string): Cause[] {
  const { activeDeadlineSeconds } = spec;
  return [
    ...volumeCauses(spec.volumes ?? [], `${field}.volumes`),
    ...containersCauses(spec, field),
    ...hostNetworkCauses(spec, `${field}.containers`),
    ...podSecurityCauses(spec, field),
    ...nonNegativeCauses(
      `${field}.terminationGracePeriodSeconds`,
      spec.terminationGracePeriodSeconds,
    ),
    ...(activeDeadlineSeconds === undefined
      ? []
      : rangeCauses(`${field}.activeDeadlineSeconds`, activeDeadlineSeconds, 1, SECONDS_MAX)),
    ...namesCauses(spec, field),
    ...hostFileCauses(spec, field),
    ...nulCauses(spec, field),
    ...hostUserCauses(spec, field),
    ...tolerationCauses(spec.tolerations ?? [], `${field}.tolerations`),
    ...affinityCauses(spec, `${field}.affinity`),
    ...spreadCauses(spec, `${field}.topologySpreadConstraints`),
  ];
}

/** Whatever must be a name. */
function namesCauses(spec: PodSpec, field: string): Cause[] {
  return [
    ...nameCauses(`${field}.hostname`, spec.hostname, labelNameFaults),
    ...nameCauses(`${field}.hostnameOverride`, spec.hostnameOverride, subdomainFaults),
    ...nameCauses(`${field}.subdomain`, spec.subdomain, labelNameFaults),
    ...nameCauses(`${field}.nodeName`, spec.nodeName, subdomainFaults),
    ...nameCauses(`${field}.serviceAccountName`, spec.serviceAccountName, subdomainFaults),
    ...nameCauses(`${field}.priorityClassName`, spec.priorityClassName, subdomainFaults),
    ...nameCauses(`${field}.runtimeClassName`, spec.runtimeClassName, subdomainFaults),
    ...Object.entries(spec.nodeSelector ?? {}).flatMap(([key, value]) => [
      ...nameCauses(`${field}.nodeSelector`, key, qualifiedNameFaults),
      ...nameCauses(`${field}.nodeSelector`, value, labelValueFaults),
    ]),
  ];
}

function hostNetworkCauses({ hostNetwork, containers = [] }: PodSpec, field: string): Cause[] {
  if (!hostNetwork) return [];
  return containers.flatMap(({ ports = [] }, i) =>
    ports.flatMap(({ hostPort, containerPort }, j) =>
      hostPort === undefined || hostPort === containerPort ? [] : [
        invalid(
          `${field}[${i}].ports[${j}].hostPort`,
          hostPort,
          "must match `containerPort` when `hostNetwork` is true",
        ),
      ]
    )
  );
}

function hostUserCauses(spec: PodSpec, field: string): Cause[] {
  if (spec.hostUsers !== false) return [];
  const names = { hostNetwork: "hostNetwork", hostPID: "HostPID", hostIPC: "HostIPC" } as const;
  return Object.entries(names).filter(([name]) => spec[name as keyof typeof names])
    .map(([, shown]) => forbidden(`${field}.${shown}`, "when `hostUsers` is false"));
}

/** https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/ */
export function tolerationCauses(tolerations: readonly Toleration[], field: string): Cause[] {
  return tolerations.flatMap((toleration, i) => {
    const { key, operator = "", value, effect = "", tolerationSeconds } = toleration;
    const at = `${field}[${i}]`;
    const causes: Cause[] = [];
    causes.push(...nameCauses(`${at}.key`, key, qualifiedNameFaults));
    if (!key && operator !== "Exists") {
      const rule =
        'operator must be Exists when `key` is empty, which means "match all values and all keys"';
      causes.push(invalid(`${at}.operator`, operator, rule));
    }
    if (tolerationSeconds !== undefined && effect !== "NoExecute") {
      const rule = "effect must be 'NoExecute' when `tolerationSeconds` is set";
      causes.push(invalid(`${at}.effect`, effect, rule));
    }
    if (operator === "Exists" && value) {
      const rule = "value must be empty when `operator` is 'Exists'";
      causes.push(invalid(`${at}.operator`, toleration, rule));
    }
    return causes;
  });
}

function affinityCauses({ affinity }: PodSpec, field: string): Cause[] {
  const { requiredDuringSchedulingIgnoredDuringExecution: needed } = affinity?.nodeAffinity ?? {};
  const at = `${field}.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution`;
  return [
    ...(needed ? nodeSelectorCauses(needed, at) : []),
    ...podAffinityCauses(affinity ?? {}, field),
  ];
}
