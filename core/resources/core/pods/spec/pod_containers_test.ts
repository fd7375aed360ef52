import assert from "node:assert/strict";
import type { Container } from "./containers.ts";
import {
  containerNamed,
  containersInRoles,
  containersOf,
  longRunningContainersOf,
  withEachContainer,
} from "./pod_containers.ts";
import type { PodSpec } from "./pod_spec.ts";

const spec = specOf({
  initContainers: [
    { name: "migrate" },
    { name: "mesh", restartPolicy: "Always" },
    { name: "wait", restartPolicy: "Never" },
    { name: "logs", restartPolicy: "Always" },
  ],
  containers: [{ name: "web", restartPolicy: "Always" }, { name: "cache" }],
  ephemeralContainers: [{ name: "debug", restartPolicy: "Always" }],
});

Deno.test("containers come in the order in which they may start, each with its role and its path", () => {
  const shown = containersOf(spec).map(({ role, container: { name }, path }) =>
    `${role} ${name} ${path}`
  );
  assert.deepEqual(shown, [
    "init migrate initContainers[0]",
    "sidecar mesh initContainers[1]",
    "init wait initContainers[2]",
    "sidecar logs initContainers[3]",
    "main web containers[0]",
    "main cache containers[1]",
    "ephemeral debug ephemeralContainers[0]",
  ]);
});

Deno.test("a spec whose lists are absent, as a draft may be, has no containers", () => {
  assert.deepEqual(containersOf(specOf({})), []);
  assert.deepEqual(longRunningContainersOf(specOf({ initContainers: [{ name: "a" }] })), []);
});

Deno.test("containers in roles keep their order, whatever the order of the roles", () => {
  assert.deepEqual(namesOf(containersInRoles(spec, "main", "sidecar", "init")), [
    "migrate",
    "mesh",
    "wait",
    "logs",
    "web",
    "cache",
  ]);
  assert.deepEqual(namesOf(containersInRoles(spec, "ephemeral")), ["debug"]);
  assert.deepEqual(containersInRoles(spec), []);
});

Deno.test("main containers and sidecars run as long as the pod, and main ones come first", () => {
  assert.deepEqual(namesOf(longRunningContainersOf(spec)), ["web", "cache", "mesh", "logs"]);
});

Deno.test("a container is found by its name, whatever its role", () => {
  for (const { container } of containersOf(spec)) {
    assert.equal(containerNamed(spec, container.name), container);
  }
  assert.equal(containerNamed(spec, "other"), undefined);
});

Deno.test("each container can be replaced, by its role, and lists that are absent stay absent", () => {
  const changed = withEachContainer(spec, (each, role) => ({ ...each, image: role }));
  assert.deepEqual(
    containersOf(changed).map(({ container: { image } }) => image),
    ["init", "sidecar", "init", "sidecar", "main", "main", "ephemeral"],
  );
  assert.deepEqual(
    Object.keys(withEachContainer(specOf({ containers: [{ name: "web" }] }), (each) => each)),
    ["containers"],
  );
});

function specOf(
  lists: Partial<
    Record<"initContainers" | "containers" | "ephemeralContainers", Partial<Container>[]>
  >,
): PodSpec {
  return lists as unknown as PodSpec; // only the lists are read
}

function namesOf(containers: readonly Container[]): string[] {
  return containers.map(({ name }) => name);
}
