import {
  type Cause,
  duplicate,
  forbidden,
  invalid,
  missing,
  notSupported,
} from "../../../../../schema/causes.ts";
import { labelNameFaults, portNameFaults } from "../../../../../schema/names.ts";
import { nameCauses, portNumberCauses } from "../../../../../schema/value_rules.ts";
import { capacityCauses } from "./capacity_rules.ts";
import type { Container, ContainerPort } from "../containers.ts";
import { envCauses, envFromCauses } from "./env_rules.ts";
import { type ContainerRole, containersOf, type PodContainer } from "../pod_containers.ts";
import type { PodSpec } from "../pod_spec.ts";
import { probeCauses } from "./probe_rules.ts";
import { restartCauses } from "./restart_rules.ts";
import { containerSecurityCauses } from "./security_rules.ts";
import { STOP_SIGNALS } from "../stop_signals.ts";
import { mountCauses } from "./volume_rules.ts";

/** The rules for the containers of a pod, in the words of k8s.io/kubernetes/pkg/apis/core/validation. */
export function containersCauses(spec: PodSpec, field: string): Cause[] {
  const volumes = new Set((spec.volumes ?? []).map(({ name }) => name));
  const inRoles = (...roles: readonly ContainerRole[]) =>
    containersOf(spec).filter(({ role }) => roles.includes(role))
      .map((each) => ({ ...each, path: `${field}.${each.path}` }));
  const main = inRoles("main");
  const names = new Set(main.map(({ container }) => container.name));
  return [
    ...main.flatMap(({ container, path }) => [
      ...anyContainerCauses(spec, container, path, volumes),
      ...probeCauses(container, path, spec.terminationGracePeriodSeconds),
      ...restartCauses(container, "main", path),
      ...stopSignalCauses(container, path, spec),
    ]),
    ...hostPortCauses(main),
    ...inRoles("init", "sidecar").flatMap((each) => [
      ...anyContainerCauses(spec, each.container, each.path, volumes),
      ...initCauses(each, spec.terminationGracePeriodSeconds),
      ...restartCauses(each.container, each.role, each.path),
      ...(each.role === "sidecar" ? stopSignalCauses(each.container, each.path, spec) : []),
      ...(names.has(each.container.name)
        ? [duplicate(`${each.path}.name`, each.container.name)]
        : []),
    ]),
    ...inRoles("ephemeral").flatMap(({ container, path }) =>
      anyContainerCauses(spec, container, path, volumes)
    ),
  ];
}

function anyContainerCauses(
  { hostUsers }: PodSpec,
  container: Container,
  field: string,
  volumes: ReadonlySet<string>,
): Cause[] {
  return [
    ...nameCauses(`${field}.name`, container.name, labelNameFaults),
    ...imageCauses(container.image, `${field}.image`),
    ...portsCauses(container.ports ?? [], `${field}.ports`),
    ...envCauses(container.env ?? [], `${field}.env`),
    ...envFromCauses(container.envFrom ?? [], `${field}.envFrom`),
    ...mountCauses(container, field, volumes),
    ...capacityCauses(container.resources, `${field}.resources`),
    ...containerSecurityCauses(container.securityContext, `${field}.securityContext`, {
      hasOwnUsers: hostUsers === false,
    }),
  ];
}

function imageCauses(image: string | undefined, field: string): Cause[] {
  if (!image) return [missing(field)];
  return image === image.trim()
    ? []
    : [invalid(field, image, "must not have leading or trailing whitespace")];
}

function portsCauses(ports: readonly ContainerPort[], field: string): Cause[] {
  const names = new Set<string>();
  return ports.flatMap(({ name, containerPort, hostPort }, i) => {
    const at = `${field}[${i}]`;
    const causes = nameCauses(`${at}.name`, name, portNameFaults);
    if (name && names.has(name)) causes.push(duplicate(`${at}.name`, name));
    if (name) names.add(name);
    if (containerPort !== undefined) {
      causes.push(...portNumberCauses(`${at}.containerPort`, containerPort));
    }
    if (hostPort) causes.push(...portNumberCauses(`${at}.hostPort`, hostPort));
    return causes;
  });
}

/** All containers of a pod share the ports of the node. */
function hostPortCauses(containers: readonly PodContainer[]): Cause[] {
  const taken = new Set<string>();
  return containers.flatMap(({ container: { ports = [] }, path }) =>
    ports.flatMap(({ protocol, hostIP = "", hostPort }, j) => {
      if (!hostPort) return [];
      const key = `${protocol}/${hostIP}/${hostPort}`;
      if (taken.has(key)) return [duplicate(`${path}.ports[${j}].hostPort`, key)];
      taken.add(key);
      return [];
    })
  );
}

function stopSignalCauses({ lifecycle }: Container, field: string, { os }: PodSpec): Cause[] {
  const at = `${field}.lifecycle.stopSignal`;
  const { stopSignal } = lifecycle ?? {};
  if (stopSignal === undefined) return [];
  if (!os) return [forbidden(at, "may not be set for containers with empty `spec.os.name`")];
  const words = os.name === "windows" ? WINDOWS_SIGNALS : [...STOP_SIGNALS.keys()].sort();
  return words.includes(stopSignal) ? [] : [notSupported(at, stopSignal, words)];
}

const WINDOWS_SIGNALS = ["SIGKILL", "SIGTERM"];

const ONLY_FOR_SIDECARS = ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] as const;

/** A sidecar may have probes and hooks, which other init containers may not. */
function initCauses(each: PodContainer, graceSeconds: number): Cause[] {
  const { role, container, path } = each;
  const causes = hostPortCauses([each]);
  if (role === "sidecar") return [...causes, ...probeCauses(container, path, graceSeconds)];
  for (const name of ONLY_FOR_SIDECARS) {
    if (!container[name]) continue;
    const rule = "may not be set for init containers without restartPolicy=Always";
    causes.push(forbidden(`${path}.${name}`, rule));
  }
  return causes;
}
