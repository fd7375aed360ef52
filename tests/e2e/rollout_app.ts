import { IMAGE } from "./podman_cluster.ts";

/** How a program behaves when it is told to end. */
export type Ending = "answers what it has" | "exits at once";

export interface RolloutApp {
  /** Of the rollout, and the start of the names of its Services. */
  name: string;
  version: string;
  replicas: number;
  ending: Ending;
  strategy: object;
}

/** Its name as an environment variable is what it answers. It keeps connections, and some answers take a while. */
const SERVER = `
let count = 0;
const server = Deno.serve({ port: 8080, hostname: "0.0.0.0" }, async () => {
  if (count++ % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 100));
  return new Response(Deno.env.get("VERSION"));
});
Deno.addSignalListener("SIGTERM", async () => {
  if (Deno.env.get("ENDING") === "answers what it has") await server.shutdown();
  Deno.exit(0);
});
`;
/** Deno and the libraries that it is linked with come from this machine: no registry is needed. */
const HOST_FOLDERS = ["/lib", "/lib64", "/usr"].filter(isThere);

/** A Rollout of a web server, its program and Services of these names that select its pods. */
export function rolloutApp(app: RolloutApp, services: readonly string[]): object[] {
  const { name, replicas, strategy } = app;
  const labels = { app: name };
  return [
    {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name },
      data: { "server.js": SERVER },
    },
    ...services.map((service) => ({
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: service },
      spec: { selector: labels, ports: [{ port: 80, targetPort: 8080 }] },
    })),
    {
      apiVersion: "argoproj.io/v1alpha1",
      kind: "Rollout",
      metadata: { name },
      spec: {
        replicas,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: podSpecOf(app) },
        strategy,
      },
    },
  ];
}

function podSpecOf({ name, version, ending }: RolloutApp): object {
  return {
    terminationGracePeriodSeconds: 30,
    containers: [{
      name: "web",
      image: IMAGE,
      imagePullPolicy: "Never",
      command: ["/deno", "run", "-A", "--no-remote", "/app/server.js"],
      env: [
        { name: "VERSION", value: version },
        { name: "ENDING", value: ending },
        { name: "DENO_DIR", value: "/tmp/deno" },
      ],
      readinessProbe: { httpGet: { path: "/", port: 8080 }, periodSeconds: 1, timeoutSeconds: 5 },
      volumeMounts: [
        { name: "app", mountPath: "/app" },
        { name: "deno", mountPath: "/deno", readOnly: true },
        ...HOST_FOLDERS.map((mountPath, i) => ({ name: `host-${i}`, mountPath, readOnly: true })),
      ],
    }],
    volumes: [
      { name: "app", configMap: { name } },
      { name: "deno", hostPath: { path: Deno.execPath(), type: "File" } },
      ...HOST_FOLDERS.map((path, i) => ({ name: `host-${i}`, hostPath: { path } })),
    ],
  };
}

function isThere(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false; // this machine has no such folder
  }
}
