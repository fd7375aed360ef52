import type { Container } from "./containers.ts";
import type { PodSpec } from "./pod_spec.ts";

/**
 * What a container is to its pod: `init` runs to its end before the main containers start, `sidecar` starts among the
 * init containers and runs as long as the pod, `main` is what the pod is for, `ephemeral` was added to look into it.
 */
export type ContainerRole = "init" | "sidecar" | "main" | "ephemeral";

export interface PodContainer {
  readonly role: ContainerRole;
  readonly container: Container;
  /** Where it is in the spec, e.g. `initContainers[0]`. */
  readonly path: string;
}

/**
 * All containers of a pod or of a pod template, in the order in which they may start: init containers and sidecars as
 * they are listed, main containers, ephemeral ones. A sidecar is an init container with the restart policy `Always`
 * (KEP-753).
 *
 * https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/
 */
export function containersOf(spec: PodSpec): PodContainer[] {
  const { initContainers = [], containers = [], ephemeralContainers = [] } = spec;
  return [
    ...initContainers.map((container, i) => ({
      role: initRoleOf(container),
      container,
      path: `initContainers[${i}]`,
    })),
    ...containers.map((container, i) => ({
      role: "main" as const,
      container,
      path: `containers[${i}]`,
    })),
    ...ephemeralContainers.map((container, i) => ({
      role: "ephemeral" as const,
      container,
      path: `ephemeralContainers[${i}]`,
    })),
  ];
}

/** The containers that have one of the roles, in the order of {@linkcode containersOf}. */
export function containersInRoles(spec: PodSpec, ...roles: readonly ContainerRole[]): Container[] {
  return containersOf(spec).filter(({ role }) => roles.includes(role))
    .map(({ container }) => container);
}

/** The containers that run as long as the pod does: the main ones, then the sidecars. */
export function longRunningContainersOf(
  { containers = [], initContainers = [] }: PodSpec,
): Container[] {
  return [...containers, ...initContainers.filter((each) => initRoleOf(each) === "sidecar")];
}

/** The container of that name, whatever its role: names are unique in a pod. */
export function containerNamed(spec: PodSpec, name: string): Container | undefined {
  return podContainerNamed(spec, name)?.container;
}

/** As {@linkcode containerNamed}, with its role. */
export function podContainerNamed(spec: PodSpec, name: string): PodContainer | undefined {
  return containersOf(spec).find(({ container }) => container.name === name);
}

/** The spec with each container replaced by what `change` makes of it. Lists that are absent stay absent. */
export function withEachContainer(
  spec: PodSpec,
  change: (container: Container, role: ContainerRole) => Container,
): PodSpec {
  const { initContainers, containers = [], ephemeralContainers } = spec;
  return {
    ...spec,
    containers: containers.map((each) => change(each, "main")),
    ...(initContainers && {
      initContainers: initContainers.map((each) => change(each, initRoleOf(each))),
    }),
    ...(ephemeralContainers && {
      ephemeralContainers: ephemeralContainers.map((each) => change(each, "ephemeral")),
    }),
  };
}

function initRoleOf({ restartPolicy }: Container): "init" | "sidecar" {
  return restartPolicy === "Always" ? "sidecar" : "init";
}
