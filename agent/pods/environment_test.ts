import assert from "node:assert/strict";
import type { Draft } from "../../core/client/client.ts";
import { freshObjects } from "../../core/objects/objects_fixture.ts";
import { configMaps } from "../../core/resources/core/config_maps.ts";
import { type Pod, pods } from "../../core/resources/core/pods/pods.ts";
import { secrets } from "../../core/resources/core/secrets.ts";
import { services } from "../../core/resources/core/services/services.ts";
import { containerSpecOf } from "./container_specs.ts";
import { environmentOf } from "./environment.ts";
import { expand } from "../volumes/expansion.ts";

const EXPANSIONS: [string, string][] = [
  ["$(A)", "1"],
  ["$(A)$(B)", "12"],
  ["$$(A)", "$(A)"],
  ["$$$(A)", "$1"],
  ["$(C)", "$(C)"],
  ["$A ${A}", "$A ${A}"],
  ["$(A", "$(A"],
  ["100$", "100$"],
  ["$(toString)", "$(toString)"],
];
for (const [text, expected] of EXPANSIONS) {
  Deno.test(`"${text}" stands for "${expected}"`, () => {
    assert.equal(expand(text, { A: "1", B: "2" }), expected);
  });
}

Deno.test("variables come from envFrom and env, the later over the earlier", async () => {
  const environment = await environmentFor({
    envFrom: [
      { configMapRef: { name: "settings" } },
      { prefix: "S_", secretRef: { name: "keys" } },
      { configMapRef: { name: "nope", optional: true } },
    ],
    env: [
      { name: "COLOR", value: "red" },
      { name: "TEXT", value: "$(COLOR) $(S_TOKEN) $$(COLOR) $(NOPE)" },
      { name: "SIZE", valueFrom: { configMapKeyRef: { name: "settings", key: "SIZE" } } },
      { name: "NONE", valueFrom: { secretKeyRef: { name: "keys", key: "x", optional: true } } },
    ],
  });
  assert.deepEqual(own(environment), {
    COLOR: "red",
    SIZE: "12",
    S_TOKEN: "s3cret",
    TEXT: "red s3cret $(COLOR) $(NOPE)",
  });
});

Deno.test("fields of the pod and amounts of its containers become variables", async () => {
  const field = (name: string, fieldPath: string) => ({
    name,
    valueFrom: { fieldRef: { fieldPath } },
  });
  const amount = (name: string, resource: string, divisor = "0") => ({
    name,
    valueFrom: { resourceFieldRef: { resource, divisor } },
  });
  const environment = await environmentFor({
    resources: { limits: { cpu: "1500m" }, requests: { memory: "64Mi" } },
    env: [
      field("POD", "metadata.name"),
      field("NAMESPACE", "metadata.namespace"),
      field("TIER", "metadata.labels['tier']"),
      field("IP", "status.podIP"),
      field("HOST", "status.hostIP"),
      field("NODE", "spec.nodeName"),
      amount("CPU", "limits.cpu"),
      amount("CPU_MILLIS", "limits.cpu", "1m"),
      amount("MEMORY_MI", "requests.memory", "1Mi"),
      amount("NODE_MEMORY", "limits.memory"),
    ],
  });
  assert.deepEqual(own(environment), {
    POD: "web",
    NAMESPACE: "default",
    TIER: "front",
    IP: "10.0.0.1",
    HOST: "192.168.0.1",
    NODE: "node-a",
    CPU: "2",
    CPU_MILLIS: "1500",
    MEMORY_MI: "64",
    NODE_MEMORY: "1024",
  });
});

const FAULTS: [string, object, string][] = [
  ["a ConfigMap", { envFrom: [{ configMapRef: { name: "x" } }] }, 'configmap "x" not found'],
  ["a Secret", { envFrom: [{ secretRef: { name: "x" } }] }, 'secret "x" not found'],
  ["a key", {
    env: [{ name: "A", valueFrom: { configMapKeyRef: { name: "settings", key: "k" } } }],
  }, "couldn't find key k in ConfigMap default/settings"],
  ["a key of a Secret", {
    env: [{ name: "A", valueFrom: { secretKeyRef: { name: "keys", key: "k" } } }],
  }, "couldn't find key k in Secret default/keys"],
];
for (const [what, container, message] of FAULTS) {
  Deno.test(`${what} that is missing is named in the kubelet's words`, async () => {
    await assert.rejects(environmentFor(container), { name: "ConfigError", message });
  });
}

Deno.test("Services of the namespace are variables, as Docker links were; the API's always", async () => {
  const environment = await environmentFor({});
  const shown = Object.entries(environment).filter(([name]) => name.startsWith("BACK_END"));
  const ip = environment["BACK_END_SERVICE_HOST"]!;
  assert.match(ip, /^10\.96\./);
  assert.deepEqual(Object.fromEntries(shown), {
    BACK_END_SERVICE_HOST: ip,
    BACK_END_SERVICE_PORT: "80",
    BACK_END_SERVICE_PORT_WEB: "80",
    BACK_END_PORT: `tcp://${ip}:80`,
    BACK_END_PORT_80_TCP: `tcp://${ip}:80`,
    BACK_END_PORT_80_TCP_PROTO: "tcp",
    BACK_END_PORT_80_TCP_PORT: "80",
    BACK_END_PORT_80_TCP_ADDR: ip,
  });
  assert.equal(environment["KUBERNETES_SERVICE_PORT"], "443");
  const without = await environmentFor({}, { enableServiceLinks: false });
  assert.equal(without["BACK_END_SERVICE_HOST"], undefined);
  assert.equal(without["KUBERNETES_SERVICE_PORT"], "443");
});

Deno.test("a container's specification has all that the pod says, and nothing of the image's", async () => {
  const pod = await podOf({
    command: ["sh", "-c"],
    args: ["echo $(COLOR)"],
    workingDir: "/app",
    resources: { limits: { cpu: "500m", memory: "64Mi" } },
    securityContext: { runAsUser: 7, capabilities: { drop: ["ALL"] } },
  }, { securityContext: { runAsUser: 1, runAsGroup: 2 }, hostname: "front" });
  const spec = containerSpecOf(pod, pod.spec.containers[0]!, INPUT);
  const { podUid: _, ...rest } = spec;
  assert.deepEqual(rest, {
    podName: "web",
    podNamespace: "default",
    name: "main",
    restartCount: 3,
    image: "app:1",
    command: ["sh", "-c"],
    args: ["echo blue"],
    env: { COLOR: "blue" },
    workingDir: "/app",
    mounts: [],
    hostname: "front",
    logPath: "/logs/3.log",
    network: { namespacePath: "/ns/1" },
    podIP: "10.0.0.1",
    limits: { cpuMillis: 500, memoryBytes: 67108864 },
    requests: { cpuMillis: 500 },
    security: { runAsUser: 7, runAsGroup: 2, capabilitiesDrop: ["ALL"] },
    tty: false,
    stdin: false,
  });
});

Deno.test("a profile of the node is a file below its folder, and no other one", async () => {
  const seccompOf = async (localhostProfile: string) => {
    const seccompProfile = { type: "Localhost", localhostProfile };
    const pod = await podOf({}, { securityContext: { seccompProfile } });
    return containerSpecOf(pod, pod.spec.containers[0]!, INPUT).security.seccomp;
  };
  assert.deepEqual(await seccompOf("web/tight.json"), { file: "/data/seccomp/web/tight.json" });
  const stored = await podOf({}, {});
  for (const localhostProfile of ["../admin.token", "a/../../b", "/etc/passwd", ""]) {
    const seccompProfile = { type: "Localhost" as const, localhostProfile };
    const spec = { ...stored.spec, securityContext: { seccompProfile } };
    assert.throws(
      () => containerSpecOf({ ...stored, spec }, spec.containers[0]!, INPUT),
      /is not a path below the node's profiles/,
      localhostProfile,
    );
  }
});

Deno.test("root is refused where the pod says that it must not run", async () => {
  const pod = await podOf({ securityContext: { runAsUser: 0, runAsNonRoot: true } });
  assert.throws(
    () => containerSpecOf(pod, pod.spec.containers[0]!, INPUT),
    /container's runAsUser breaks non-root policy/,
  );
});

const INPUT = {
  restartCount: 3,
  env: { COLOR: "blue" },
  mounts: [],
  logPath: "/logs/3.log",
  podIP: "10.0.0.1",
  namespacePath: "/ns/1",
  cgroupParent: undefined,
  oomScoreAdj: undefined,
  pidsMax: undefined,
  devices: [],
  nodeName: "node-a",
  clusterDomain: "cluster.local",
  seccompFolder: "/data/seccomp",
};

async function environmentFor(
  container: object,
  spec: object = {},
): Promise<Record<string, string>> {
  const { client } = await freshObjects();
  const metadata = (name: string) => ({ namespace: "default", name });
  await client.create(configMaps, {
    metadata: metadata("settings"),
    data: { COLOR: "blue", SIZE: "12" },
  });
  await client.create(secrets, { metadata: metadata("keys"), data: { TOKEN: btoa("s3cret") } });
  await client.create(services, {
    metadata: metadata("back-end"),
    spec: { selector: { app: "x" }, ports: [{ name: "web", port: 80 }] },
  });
  const pod = await podOf(container, spec);
  return environmentOf(pod, pod.spec.containers[0]!, {
    view: client,
    hostIP: "192.168.0.1",
    podIP: "10.0.0.1",
    allocatable: { memory: "1Ki" },
  });
}

/** A pod as the API stores it, with all defaults. */
async function podOf(container: object, spec: object = {}): Promise<Pod> {
  const { client } = await freshObjects();
  const draft = {
    metadata: { namespace: "default", name: "web", labels: { tier: "front" } },
    spec: {
      nodeName: "node-a",
      containers: [{ name: "main", image: "app:1", ...container }],
      ...spec,
    },
  };
  return await client.create(pods, draft as Draft<Pod>);
}

function own(environment: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment).filter(([name]) => !/^(KUBERNETES|BACK_END)_/.test(name)),
  );
}
