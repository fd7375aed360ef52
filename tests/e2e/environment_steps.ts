import assert from "node:assert/strict";
import { isOver, type PodmanCluster, podOf } from "./podman_cluster.ts";
import type { Step } from "./steps.ts";

/** The environment of a container. */
export const ENVIRONMENT_STEPS: readonly Step<PodmanCluster>[] = [
  { name: "command, args and env, with references to other variables", run: environment },
  { name: "variables of ConfigMaps, Secrets, the pod's fields and its limits", run: references },
  { name: "what is optional and absent is left out", run: optionalSources },
];

async function environment(cluster: PodmanCluster): Promise<void> {
  await cluster.apply(podOf("environment", {
    script: "",
    container: {
      command: ["sh", "-c", 'echo "$0 $1 $GREETING $HOSTNAME"; pwd'],
      args: ["$(NAME)", "$$(NAME) $(NOBODY)"],
      workingDir: "/tmp",
      env: [{ name: "NAME", value: "crew" }, { name: "GREETING", value: "hello $(NAME)" }],
    },
    spec: { restartPolicy: "Never" },
  }));
  await cluster.podWhen("environment", isOver);
  const text = await cluster.logs("environment");
  assert.equal(text, "crew $(NAME) $(NOBODY) hello crew environment\n/tmp\n");
}

/** A variable from each possible source. */
async function references(cluster: PodmanCluster): Promise<void> {
  const field = (name: string, fieldPath: string) => ({
    name,
    valueFrom: { fieldRef: { fieldPath } },
  });
  const capacity = (name: string, resource: string, divisor = "1") => ({
    name,
    valueFrom: { resourceFieldRef: { resource, divisor } },
  });
  await cluster.apply(
    { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "refs" }, data: { COLOR: "red" } },
    { apiVersion: "v1", kind: "Secret", metadata: { name: "refs" }, stringData: { key: "s3" } },
    podOf("references", {
      script: "env | sort",
      labels: { track: "a" },
      container: {
        envFrom: [
          { configMapRef: { name: "refs" }, prefix: "CM_" },
          { secretRef: { name: "refs" }, prefix: "S_" },
        ],
        env: [
          { name: "SECRET", valueFrom: { secretKeyRef: { name: "refs", key: "key" } } },
          { name: "CONFIG", valueFrom: { configMapKeyRef: { name: "refs", key: "COLOR" } } },
          field("POD", "metadata.name"),
          field("NAMESPACE", "metadata.namespace"),
          field("UID", "metadata.uid"),
          field("TRACK", "metadata.labels['track']"),
          field("ADDRESS", "status.podIP"),
          field("NODE", "spec.nodeName"),
          field("NODE_ADDRESS", "status.hostIP"),
          capacity("MEMORY", "limits.memory"),
          capacity("CPU", "limits.cpu", "1m"),
          capacity("CPU_ASKED", "requests.cpu", "1m"),
        ],
        resources: { limits: { memory: "32Mi", cpu: "250m" }, requests: { cpu: "100m" } },
      },
      spec: { restartPolicy: "Never" },
    }),
  );
  const { metadata, spec, status } = await cluster.podWhen("references", isOver);
  const lines = new Set((await cluster.logs("references")).split("\n"));
  const wanted = [
    ...["CM_COLOR=red", "S_key=s3", "SECRET=s3", "CONFIG=red", "TRACK=a"],
    ...["POD=references", "NAMESPACE=default", `UID=${metadata.uid}`],
    ...[`ADDRESS=${status.podIP}`, `NODE=${spec.nodeName}`, `NODE_ADDRESS=${status.hostIP}`],
    ...[`MEMORY=${32 * 1024 * 1024}`, "CPU=250", "CPU_ASKED=100", "KUBERNETES_SERVICE_PORT=443"],
  ];
  assert.deepEqual(wanted.filter((line) => !lines.has(line)), [], [...lines].join("\n"));
}

async function optionalSources(cluster: PodmanCluster): Promise<void> {
  const absent = { name: "absent", key: "a", optional: true };
  await cluster.apply(podOf("optional", {
    script: "echo ${A-none} ${B-none} $C",
    container: {
      envFrom: [{ configMapRef: { name: "absent", optional: true } }],
      env: [
        { name: "A", valueFrom: { configMapKeyRef: absent } },
        { name: "B", valueFrom: { secretKeyRef: absent } },
        { name: "C", value: "c" },
      ],
    },
    spec: { restartPolicy: "Never" },
  }));
  await cluster.podWhen("optional", isOver);
  assert.equal(await cluster.logs("optional"), "none none c\n");
}
