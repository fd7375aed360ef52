import assert from "node:assert/strict";
import { imagePath } from "../../../agent/runtimes/process/process_image.ts";
import { configMap, type FieldCase, isOver, secret, under, waitingOf } from "./field_case.ts";
import { podOf, type ProcessCluster } from "./process_cluster.ts";

const ENV = "containers[].env[]";
const FROM = `${ENV}.valueFrom`;

/** What a container runs, where, and the variables that it gets. */
export const ENVIRONMENT_CASES: readonly FieldCase<ProcessCluster>[] = [
  {
    name: "command, args and variables refer to variables, in the working directory",
    fields: under("containers[]", "command", "args", "workingDir", "env[].name", "env[].value"),
    run: commands,
  },
  {
    name: "the name and the image of a container are what it is known by and what it runs",
    fields: under("containers[]", "name", "image"),
    run: image,
  },
  {
    name: "all keys of a ConfigMap and of a Secret become variables",
    fields: under(
      "containers[].envFrom[]",
      ...["prefix", "configMapRef.name", "configMapRef.optional"],
      ...["secretRef.name", "secretRef.optional"],
    ),
    run: wholeObjects,
  },
  {
    name: "a variable is one key of a ConfigMap or of a Secret",
    fields: [
      ...under(`${FROM}.configMapKeyRef`, "name", "key", "optional"),
      ...under(`${FROM}.secretKeyRef`, "name", "key", "optional"),
    ],
    run: keys,
  },
  {
    name: "a variable is a field of the pod, or an amount of a container",
    fields: [
      ...["serviceAccount", `${FROM}.fieldRef.fieldPath`],
      ...under(`${FROM}.resourceFieldRef`, "containerName", "resource", "divisor"),
    ],
    run: fields,
  },
  {
    name: "a field reference of another version is refused",
    fields: under(`${FROM}.fieldRef`, "apiVersion"),
    run: fieldVersion,
  },
  {
    name: "Services are variables, unless the pod says no",
    fields: ["enableServiceLinks"],
    run: serviceLinks,
  },
];

async function commands(cluster: ProcessCluster): Promise<void> {
  await cluster.apply(podOf("commands", {
    container: {
      command: ["sh", "-c", 'echo "$0|$1|$2|$GREETING|$PWD"', "$(NAME)"],
      args: ["$$(NAME)", "$(NOBODY)"],
      workingDir: "/usr/lib",
      env: [{ name: "NAME", value: "crew" }, { name: "GREETING", value: "hello $(NAME)" }],
    },
  }));
  await cluster.podWhen("commands", isOver);
  assert.equal(
    await cluster.logs("commands"),
    "crew|$(NAME)|$(NOBODY)|hello crew|/usr/lib\n",
  );
}

async function image(cluster: ProcessCluster): Promise<void> {
  const reference = "example.com/printer:2";
  const file = imagePath(`${cluster.dataFolder}/process/images`, reference);
  await Deno.writeTextFile(file, JSON.stringify({ Entrypoint: ["echo", "from"], Cmd: ["image"] }));
  const container = { name: "printer", image: reference };
  await cluster.apply(podOf("image", { spec: { containers: [container] } }));
  const { status } = await cluster.podWhen("image", isOver);
  const { name, image } = status.containerStatuses![0]!;
  assert.deepEqual([name, image], ["printer", reference]);
  assert.equal(await cluster.logs("image"), "from image\n");
}

async function wholeObjects(cluster: ProcessCluster): Promise<void> {
  const missing = (optional: boolean) => [
    { configMapRef: { name: "whole-missing", optional } },
    { secretRef: { name: "whole-missing", optional } },
  ];
  await cluster.apply(
    configMap("whole", { COLOR: "red" }),
    secret("whole", { KEY: "s3" }),
    podOf("whole", {
      script: 'echo "$MAP_COLOR $KEY"',
      container: {
        envFrom: [
          { configMapRef: { name: "whole" }, prefix: "MAP_" },
          { secretRef: { name: "whole" } },
          ...missing(true),
        ],
      },
    }),
    podOf("whole-map", { container: { envFrom: missing(false).slice(0, 1) } }),
    podOf("whole-secret", { container: { envFrom: missing(false).slice(1) } }),
  );
  await cluster.podWhen("whole", isOver);
  assert.equal(await cluster.logs("whole"), "red s3\n");
  await waitsFor(cluster, "whole-map", 'configmap "whole-missing" not found');
  await waitsFor(cluster, "whole-secret", 'secret "whole-missing" not found');
}

async function keys(cluster: ProcessCluster): Promise<void> {
  const variable = (source: "configMapKeyRef" | "secretKeyRef", key: string, optional = false) => ({
    ...{ name: `${source}_${key}`, valueFrom: { [source]: { name: "keys", key, optional } } },
  });
  const env = (key: string, optional: boolean) => [
    variable("configMapKeyRef", key, optional),
    variable("secretKeyRef", key, optional),
  ];
  await cluster.apply(
    configMap("keys", { a: "from the map" }),
    secret("keys", { a: "from the secret" }),
    podOf("keys", {
      script: 'echo "$configMapKeyRef_a, $secretKeyRef_a${configMapKeyRef_b-, no b}"',
      container: { env: [...env("a", false), ...env("b", true)] },
    }),
    podOf("keys-map", { container: { env: env("b", false).slice(0, 1) } }),
    podOf("keys-secret", { container: { env: env("b", false).slice(1) } }),
  );
  await cluster.podWhen("keys", isOver);
  assert.equal(await cluster.logs("keys"), "from the map, from the secret, no b\n");
  await waitsFor(cluster, "keys-map", "couldn't find key b in ConfigMap default/keys");
  await waitsFor(cluster, "keys-secret", "couldn't find key b in Secret default/keys");
}

async function fields(cluster: ProcessCluster): Promise<void> {
  const field = (name: string, fieldPath: string) => ({
    ...{ name, valueFrom: { fieldRef: { fieldPath } } },
  });
  const amount = (name: string, reference: object) => ({
    ...{ name, valueFrom: { resourceFieldRef: reference } },
  });
  const env = [
    ...[field("A", "metadata.name"), field("B", "metadata.namespace"), field("C", "metadata.uid")],
    ...[field("D", "metadata.labels['track']"), field("E", "metadata.annotations['note']")],
    ...[field("F", "spec.nodeName"), field("G", "spec.serviceAccountName")],
    ...[field("H", "status.hostIP"), field("I", "status.podIP"), field("J", "status.podIPs")],
    amount("K", { resource: "limits.cpu", divisor: "1m" }),
    amount("L", { containerName: "other", resource: "requests.memory", divisor: "1Mi" }),
  ];
  const main = {
    ...{ name: "main", image: "a", env, resources: { limits: { cpu: "250m" } } },
    command: ["sh", "-c", "echo $A $B $C $D $E $F $G $H $I $J $K $L"],
  };
  const requests = { memory: "3Mi" };
  const other = { name: "other", image: "a", command: ["true"], resources: { requests } };
  const metadata = { labels: { track: "x" }, annotations: { note: "y" } };
  const spec = { serviceAccount: "crew", containers: [main, other] };
  const account = { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "crew" } };
  await cluster.apply(account, podOf("fields", { metadata, spec }));
  const pod = await cluster.podWhen("fields", isOver);
  const { hostIP, podIP } = pod.status;
  const text = await (await cluster.fetch(
    "/api/v1/namespaces/default/pods/fields/log?container=main",
  )).text();
  assert.deepEqual(text.trim().split(" "), [
    ...["fields", "default", pod.metadata.uid, "x", "y", pod.spec.nodeName, "crew"],
    ...[hostIP, podIP, podIP, "250", "3"],
  ]);
}

async function fieldVersion(cluster: ProcessCluster): Promise<void> {
  const fieldRef = { apiVersion: "v2", fieldPath: "metadata.name" };
  const env = [{ name: "A", valueFrom: { fieldRef } }];
  await assert.rejects(
    cluster.apply(podOf("field-version", { container: { env } })),
    /error converting fieldPath: unsupported pod version: v2/,
  );
}

async function serviceLinks(cluster: ProcessCluster): Promise<void> {
  await cluster.apply({
    ...{ apiVersion: "v1", kind: "Service", metadata: { name: "harbour" } },
    spec: { ports: [{ port: 81 }], selector: { app: "nobody" } },
  });
  const script = 'echo "$HARBOUR_SERVICE_PORT,$KUBERNETES_SERVICE_PORT"';
  await cluster.apply(
    podOf("linked", { script }),
    podOf("not-linked", { script, spec: { enableServiceLinks: false } }),
  );
  await Promise.all(["linked", "not-linked"].map((name) => cluster.podWhen(name, isOver)));
  assert.equal(await cluster.logs("linked"), "81,443\n");
  assert.equal(await cluster.logs("not-linked"), ",443\n");
}

async function waitsFor(cluster: ProcessCluster, pod: string, message: string): Promise<void> {
  const reason = "CreateContainerConfigError";
  const waiting = await cluster.podWhen(pod, (pod) => waitingOf(pod).reason === reason);
  assert.equal(waitingOf(waiting).message, message);
  await cluster.delete(pod);
}
