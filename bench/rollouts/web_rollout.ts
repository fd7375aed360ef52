import { DEMO_PORT } from "../../cli/demo_web.ts";
import { writeImage } from "../../agent/runtimes/process/process_image.ts";
import type { Rollout } from "../../core/resources/argoproj/mod.ts";
import type { ServerProcess } from "../../tests/server_process.ts";

const IMAGE = "localhost/coracle-bench-web:1";
const WAIT_MS_MAX = 120_000;

/** Who is asked. */
type Asked = Pick<ServerProcess, "fetch">;

export interface WebRollout {
  name: string;
  version: string;
  replicas: number;
  strategy: object;
  /** One answer in so many is an error. */
  failOneIn?: number;
  /** Without: ready as soon as it runs, as where containers are simulated. */
  probes?: boolean;
}

/** Makes the image of {@linkcode webRollout} known to a server that runs processes. */
export async function makeWebImage(server: Pick<ServerProcess, "dataFolder">): Promise<void> {
  const program = ["run", "-A", "--no-check", new URL("../../main.ts", import.meta.url).pathname];
  await writeImage(`${server.dataFolder}/process/images`, IMAGE, {
    Entrypoint: [Deno.execPath(), ...program, "demo-web"],
  });
}

/** A Rollout of a small web server that answers with its version. */
export function webRollout(
  { name, version, replicas, strategy, failOneIn = Infinity, probes = true }: WebRollout,
): object {
  const labels = { app: name };
  const env = [
    { name: "VERSION", value: version },
    { name: "FAIL_ONE_IN", value: String(failOneIn) },
    { name: "POD_IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } },
  ];
  const container = {
    name: "web",
    image: IMAGE,
    imagePullPolicy: "Never",
    env,
    ...(probes && {
      readinessProbe: { httpGet: { path: "/", port: DEMO_PORT }, periodSeconds: 1 },
    }),
    resources: { requests: { cpu: "1m", memory: "1Mi" } },
  };
  return {
    apiVersion: "argoproj.io/v1alpha1",
    kind: "Rollout",
    metadata: { name, namespace: "default" },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { terminationGracePeriodSeconds: 0, containers: [container] },
      },
      strategy,
    },
  };
}

/** A Service that selects by the label `app`. */
export function serviceOf(name: string, app: string): object {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace: "default" },
    spec: { selector: { app }, ports: [{ port: 80, targetPort: DEMO_PORT }] },
  };
}

/** Applies objects as `kubectl apply` would. */
export async function applyAll(server: Asked, objects: readonly object[]): Promise<void> {
  const body = JSON.stringify({ apiVersion: "v1", kind: "List", items: objects });
  const headers = { "content-type": "application/json" };
  const answer = await server.fetch("/apply", { method: "PUT", headers, body });
  if (!answer.ok) throw new Error(`Cannot apply: ${await answer.text()}`);
}

const PATH = "/apis/argoproj.io/v1alpha1/namespaces/default/rollouts";

/** The rollout as soon as it is as it should be. */
export async function rolloutWhen(
  server: Asked,
  name: string,
  isSo: (rollout: Rollout) => boolean,
): Promise<void> {
  await when(server, `${PATH}/${name}`, (rollout: Rollout) => isSo(rollout));
}

/** Resolves when all rollouts are healthy. */
export async function allHealthy(server: Asked): Promise<void> {
  await when(server, PATH, ({ items }: { items: Rollout[] }) => items.every(isHealthy));
}

async function when<T>(server: Asked, path: string, isSo: (answer: T) => boolean): Promise<void> {
  const deadline = performance.now() + WAIT_MS_MAX;
  for (;;) {
    const answer = await (await server.fetch(path)).json();
    if (isSo(answer)) return;
    if (performance.now() > deadline) {
      throw new Error(`${path} stays as it is: ${JSON.stringify(answer).slice(0, 2_000)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Nothing is left to do for the present template. */
export function isHealthy({ metadata, status }: Rollout): boolean {
  return status?.observedGeneration === String(metadata.generation) && status.phase === "Healthy";
}
