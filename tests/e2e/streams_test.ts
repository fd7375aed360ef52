import assert from "node:assert/strict";
import { kubectlVersions } from "../kubectl.ts";
import { eventually } from "../eventually.ts";
import { type PodmanCluster, podOf, testOnPodman } from "./podman_cluster.ts";

const POD = "streams";
/** How clients that can do both are made to use the older protocol. */
const SPDY = {
  KUBECTL_REMOTE_COMMAND_WEBSOCKETS: "false",
  KUBECTL_PORT_FORWARD_WEBSOCKETS: "false",
};

testOnPodman({
  name: "streams on Podman, by kubectl",
  subnet: 120,
  steps: [
    { name: "a command has its streams, its terminal and its exit code", run: commands },
    {
      name: "a container is attached to, and reads until its first client has left",
      run: attaches,
    },
    { name: "a port inside the pod's own network is forwarded", run: forwards },
    { name: "a pod and a Service are reached through the API", run: proxies },
  ],
});

/** The oldest and the newest kubectl of this machine, in both protocols. */
function clients(): readonly { path: string; env: Readonly<Record<string, string>> }[] {
  const all = kubectlVersions();
  const paths = new Set([all[0]!.path, all.at(-1)!.path]);
  return [...paths].flatMap((path) => [{ path, env: {} }, { path, env: SPDY }]);
}

async function commands(cluster: PodmanCluster): Promise<void> {
  await cluster.apply(podOf(POD, { script: "exec httpd -f -p 127.0.0.1:8080 -h /etc" }));
  await cluster.readyPod(POD);
  const bytes = "0123456789abcdef".repeat(20_000);
  await Promise.all(
    clients().map(async ({ path, env }) => {
      const run = (args: readonly string[], input?: string) =>
        cluster.server.kubectl(path, args, input, env);
      const split = await run(["exec", POD, "--", "sh", "-c", "echo out; echo bad >&2; exit 7"]);
      assert.deepEqual([split.code, split.stdout], [7, "out\n"]);
      assert.match(split.stderr, /^bad\n/);
      const counted = await run(["exec", "-i", POD, "--", "wc", "-c"], bytes);
      assert.equal(counted.stdout.trim(), String(bytes.length));
      const missing = await run(["exec", POD, "-c", "none", "--", "true"]);
      assert.match(missing.stderr, /container none is not valid for pod streams/);
    }),
  );
}

async function attaches(cluster: PodmanCluster): Promise<void> {
  await Promise.all(
    clients().map(async ({ path, env }, index) => {
      const name = `reader-${index}`;
      const args = [
        "run",
        name,
        "-i",
        "--restart=Never",
        "--image=localhost/e2e:1",
        "--pod-running-timeout=30s",
      ];
      const output = await cluster.server.kubectl(
        path,
        [...args, "--command", "--", "sh", "-c", "cat; echo; echo end"],
        "what was typed",
        env,
      );
      // What comes before the client is attached is in the log.
      const shown = output.stdout + await cluster.logs(name);
      assert.match(shown, /what was typed\nend\n/);
    }),
  );
}

async function forwards(cluster: PodmanCluster): Promise<void> {
  await Promise.all(
    clients().map(async ({ path, env }) => {
      const child = cluster.server.startKubectl(path, ["port-forward", POD, ":8080"], env);
      try {
        const port = await portOf(child);
        await eventually("the pod's loopback answers", async () => {
          const answer = await fetch(`http://127.0.0.1:${port}/passwd`);
          return (await answer.text()).startsWith("root:");
        });
      } finally {
        child.kill("SIGKILL");
        await child.status;
      }
    }),
  );
}

/** Leaves the output open: kubectl ends when it cannot say what it does. */
async function portOf(child: Deno.ChildProcess): Promise<string> {
  const reader = child.stdout.getReader();
  const decoder = new TextDecoder();
  for (let text = "";;) {
    const { done, value } = await reader.read();
    if (done) throw new Error(`kubectl port-forward says no port: ${text}`);
    text += decoder.decode(value);
    const port = /127\.0\.0\.1:(\d+) ->/.exec(text)?.[1];
    if (port !== undefined) return port;
  }
}

async function proxies(cluster: PodmanCluster): Promise<void> {
  const port = { containerPort: 8080 };
  await cluster.apply(
    podOf("proxied", {
      script: "exec httpd -f -p 8080 -h /etc",
      container: { ports: [port] },
    }),
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "proxied" },
      spec: { selector: { app: "proxied" }, ports: [{ name: "http", port: 80, targetPort: 8080 }] },
    },
  );
  await cluster.readyPod("proxied");
  const base = "/api/v1/namespaces/default";
  for (const target of ["pods/proxied", "pods/proxied:8080", "services/proxied:http"]) {
    await eventually(`${target} answers`, async () => {
      const answer = await cluster.server.fetch(`${base}/${target}/proxy/passwd`);
      return (await answer.text()).startsWith("root:");
    });
  }
  // The other pod listens on its loopback, which is not where others reach it.
  const refused = await cluster.server.fetch(`${base}/pods/${POD}:8080/proxy/`);
  assert.equal(refused.status, 503);
  assert.match((await refused.json()).message, /connection refused$/);
}
