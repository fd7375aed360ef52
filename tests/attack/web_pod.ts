import assert from "node:assert/strict";
import { eventually } from "../eventually.ts";
import type { ServerProcess } from "../server_process.ts";
import { WEB_BODY } from "./web_process.ts";

const POD_PORT = 8080;
const NAMESPACE = "default";

/** `mode`: how the pod handles requests other than `/ready`; `web` responds normally. */
export interface WebPod {
  name: string;
  mode: string;
}

/**
 * Starts pods that serve HTTP, a Service for each, and a Gateway that routes by the first part of the path, the pod's
 * name, and all other paths to the first pod. Resolves with the Gateway's port once all can be reached.
 */
export async function startWebPods(
  server: ServerProcess,
  pods: readonly WebPod[] = [{ name: "web", mode: "web" }],
): Promise<number> {
  const gatewayPort = freePort();
  const core = `/api/v1/namespaces/${NAMESPACE}`;
  const gateways = `/apis/gateway.networking.k8s.io/v1/namespaces/${NAMESPACE}`;
  for (const pod of pods) {
    await create(server, `${core}/pods`, podOf(server, pod));
    await create(server, `${core}/services`, serviceOf(pod));
  }
  await create(server, `${gateways}/gateways`, {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "Gateway",
    metadata: { name: "edge" },
    spec: {
      gatewayClassName: "coracle",
      listeners: [{ name: "http", port: gatewayPort, protocol: "HTTP" }],
    },
  });
  await create(server, `${gateways}/httproutes`, routeTo(pods));
  for (const { name } of pods) await untilReached(gatewayPort, name);
  return gatewayPort;
}

async function untilReached(gatewayPort: number, name: string): Promise<void> {
  await eventually(`the pod "${name}" answers at the gateway`, async () => {
    const answer = await fetch(`http://127.0.0.1:${gatewayPort}/${name}/ready`);
    return await answer.text() === WEB_BODY;
  });
}

function routeTo(pods: readonly WebPod[]): object {
  const ruleOf = (path: string, name: string) => ({
    matches: [{ path: { type: "PathPrefix", value: path } }],
    backendRefs: [{ name, port: 80 }],
  });
  return {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "HTTPRoute",
    metadata: { name: "web" },
    spec: {
      parentRefs: [{ name: "edge" }],
      rules: [...pods.map(({ name }) => ruleOf(`/${name}`, name)), ruleOf("/", pods[0]!.name)],
    },
  };
}

function serviceOf({ name }: WebPod): object {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name },
    spec: { selector: { app: name }, ports: [{ port: 80, targetPort: POD_PORT }] },
  };
}

function podOf(server: ServerProcess, { name, mode }: WebPod): object {
  const program = new URL("./web_process.ts", import.meta.url).pathname;
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, labels: { app: name } },
    spec: {
      terminationGracePeriodSeconds: 1,
      containers: [{
        name: "web",
        image: "localhost/none:1",
        command: [Deno.execPath(), "run", "-A", "--no-config", program, mode, String(POD_PORT)],
        env: [
          { name: "POD_IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } },
          { name: "DENO_DIR", value: `${server.dataFolder}/deno-of-pods` },
        ],
      }],
    },
  };
}

async function create(server: ServerProcess, path: string, object: object): Promise<void> {
  const answer = await server.create(path, object);
  assert.equal(answer.status, 201, await answer.text());
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
