import { IMAGE } from "./podman_cluster.ts";

/** A web application for tests: a Deployment, its Service, and a Gateway with a route to it. */
export interface WebApp {
  name: string;
  version: string;
  replicas: number;
}

/**
 * Keeps connections, is slow with some answers, and exits at once on SIGTERM with all requests in flight: a program that
 * loses requests when it gets one too many.
 */
const SERVER = `
let count = 0;
Deno.addSignalListener("SIGTERM", () => Deno.exit(0));
Deno.serve({ port: 8080, hostname: "0.0.0.0" }, async () => {
  await new Promise((resolve) => setTimeout(resolve, count++ % 10 === 0 ? 500 : 5));
  return new Response(Deno.env.get("VERSION"));
});
`;
/** Deno and the libraries that it is linked with come from this machine: no registry is needed. */
const HOST_FOLDERS = ["/lib", "/lib64", "/usr"];

export function webApp({ name, version, replicas }: WebApp): object[] {
  const labels = { app: name };
  const deployment = {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      strategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
      template: { metadata: { labels }, spec: podSpecOf(name, version) },
    },
  };
  return [serverFile(name), deployment, serviceOf(name)];
}

export function gatewayOn(port: number): object {
  return {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "Gateway",
    metadata: { name: "edge" },
    spec: {
      gatewayClassName: "coracle",
      listeners: [{ name: "http", protocol: "HTTP", port }],
    },
  };
}

/** Splits all requests of the gateway by weight. */
export function routeTo(weights: Readonly<Record<string, number>>): object {
  const backendRefs = Object.entries(weights).map(([name, weight]) => ({ name, port: 80, weight }));
  return {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "HTTPRoute",
    metadata: { name: "web" },
    spec: { parentRefs: [{ name: "edge" }], rules: [{ backendRefs }] },
  };
}

export function serviceOf(name: string, spec: object = {}): object {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name },
    spec: { selector: { app: name }, ports: [{ port: 80, targetPort: 8080 }], ...spec },
  };
}

/** Below the ephemeral ports, and outside the range of NodePorts. */
const PORTS = { first: 10_000, count: 15_000 };

/** A free port that no connection can take meanwhile. */
export function freePort(): number {
  for (;;) {
    const port = PORTS.first + Math.floor(Math.random() * PORTS.count);
    try {
      Deno.listen({ port }).close();
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
}

function podSpecOf(name: string, version: string): object {
  const folders = HOST_FOLDERS.filter(isThere);
  return {
    terminationGracePeriodSeconds: 60,
    containers: [{
      name: "web",
      image: IMAGE,
      imagePullPolicy: "Never",
      command: ["/deno", "run", "-A", "--no-remote", "/app/server.js"],
      env: [{ name: "VERSION", value: version }, { name: "DENO_DIR", value: "/tmp/deno" }],
      readinessProbe: { httpGet: { path: "/", port: 8080 }, periodSeconds: 1, timeoutSeconds: 5 },
      volumeMounts: [
        { name: "app", mountPath: "/app" },
        { name: "deno", mountPath: "/deno", readOnly: true },
        ...folders.map((mountPath, i) => ({ name: `host-${i}`, mountPath, readOnly: true })),
      ],
    }],
    volumes: [
      { name: "app", configMap: { name } },
      { name: "deno", hostPath: { path: Deno.execPath(), type: "File" } },
      ...folders.map((path, i) => ({ name: `host-${i}`, hostPath: { path } })),
    ],
  };
}

function serverFile(name: string): object {
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name },
    data: { "server.js": SERVER },
  };
}

function isThere(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false; // this machine has no such folder
  }
}
