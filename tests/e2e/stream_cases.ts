import assert from "node:assert/strict";
import { kubectlVersions } from "../kubectl.ts";
import { eventually } from "../eventually.ts";
import { type PodDraft, type PodmanCluster, podOf } from "./podman_cluster.ts";

const POD = "streams";
/** How clients that can do both are made to use the older protocol. */
const SPDY = {
  KUBECTL_REMOTE_COMMAND_WEBSOCKETS: "false",
  KUBECTL_PORT_FORWARD_WEBSOCKETS: "false",
};

/** Where the pods of the cases run. */
export interface StreamPlace {
  cluster: PodmanCluster;
  /** Absent: wherever the scheduler likes. */
  node?: string;
}

interface StreamCase {
  name: string;
  run(place: StreamPlace): Promise<void>;
}

/** What kubectl does with pods of a node, whichever that is. */
export const STREAM_CASES: readonly StreamCase[] = [
  { name: "a command has its streams, its terminal and its exit code", run: commands },
  { name: "a log is followed to its end, and the one before is kept", run: logs },
  {
    name: "a container is attached to, and reads until its first client has left",
    run: attaches,
  },
  { name: "files are copied there and back", run: copies },
  { name: "a port inside the pod's own network is forwarded", run: forwards },
  { name: "a container is added for debugging; the node is debugged", run: debugs },
  { name: "a pod and a Service are reached through the API", run: proxies },
  { name: "the node answers as a kubelet does", run: kubelet },
];

function placed(name: string, draft: PodDraft, { node }: StreamPlace): object {
  const nodeSelector = node && { "kubernetes.io/hostname": node };
  return podOf(name, { ...draft, spec: { ...draft.spec, ...(nodeSelector && { nodeSelector }) } });
}

/** The oldest and the newest kubectl of this machine, in both protocols. */
function clients(): readonly { path: string; env: Readonly<Record<string, string>> }[] {
  const all = kubectlVersions();
  const paths = new Set([all[0]!.path, all.at(-1)!.path]);
  return [...paths].flatMap((path) => [{ path, env: {} }, { path, env: SPDY }]);
}

async function commands(place: StreamPlace): Promise<void> {
  const { cluster } = place;
  await cluster.apply(placed(POD, { script: "exec httpd -f -p 127.0.0.1:8080 -h /etc" }, place));
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
      const unknown = await run(["exec", POD, "--", "no-such-program"]);
      assert.notEqual(unknown.code, 0);
      assert.match(unknown.stderr, /no-such-program.*not found/);
    }),
  );
}

async function attaches({ cluster, node }: StreamPlace): Promise<void> {
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
        ...(node ? [`--overrides=${JSON.stringify(onNode(node))}`] : []),
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

function onNode(node: string): object {
  return { spec: { nodeSelector: { "kubernetes.io/hostname": node } } };
}

async function logs(place: StreamPlace): Promise<void> {
  const { cluster } = place;
  const script =
    "for i in 1 2 3 4 5; do echo line $i; sleep 0.2; done; [ -e /seen/1 ] && exec sleep 600; touch /seen/1; exit 1";
  await cluster.apply(placed("teller", {
    script,
    container: { volumeMounts: [{ name: "seen", mountPath: "/seen" }] },
    spec: { volumes: [{ name: "seen", emptyDir: {} }] },
  }, place));
  await cluster.podWhen("teller", ({ status }) => status.phase !== "Pending");
  const lines = "line 1\nline 2\nline 3\nline 4\nline 5\n";
  assert.equal(await cluster.logs("teller", "-f"), lines);
  await cluster.podWhen(
    "teller",
    ({ status }) =>
      status.containerStatuses?.[0]?.restartCount === 1 &&
      status.containerStatuses[0].state?.running,
  );
  assert.equal(await cluster.logs("teller", "-p", "--tail=2"), "line 4\nline 5\n");
  await eventually(
    "the second run has said all",
    async () => await cluster.logs("teller") === lines,
  );
  assert.match(await cluster.logs("teller", "--timestamps", "--tail=1"), /^\d{4}-.*Z line 5\n$/);
}

async function copies({ cluster }: StreamPlace): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "coracle-e2e-" });
  try {
    const bytes = new Uint8Array(3 * 1024 * 1024);
    for (let at = 0; at < bytes.length; at += 65_536) {
      crypto.getRandomValues(bytes.subarray(at, at + 65_536));
    }
    await Deno.writeFile(`${folder}/there`, bytes);
    await cluster.kubectl("cp", `${folder}/there`, `${POD}:/tmp/copied`);
    await cluster.kubectl("cp", `${POD}:/tmp/copied`, `${folder}/back`);
    assert.deepEqual(await Deno.readFile(`${folder}/back`), bytes);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function debugs({ cluster }: StreamPlace): Promise<void> {
  const image = ["--image=localhost/e2e:1", "--image-pull-policy=Never", "-i"];
  // What is said before anybody is attached is not seen: it waits for its input.
  const shown = await cluster.kubectlWith(
    "typed\n",
    ...["debug", POD, ...image, "--target=main"],
    ...["--", "sh", "-c", "read line; ls -d /proc/1/root && echo debugged $line"],
  );
  assert.match(shown, /debugged typed/);
  const nodeName = (await cluster.pod(POD))!.spec.nodeName!;
  // All of the machine's disk is there, without the agent's own files.
  const onHost = await cluster.kubectlWith(
    "typed\n",
    ...["debug", `node/${nodeName}`, ...image],
    ...[
      "--",
      "sh",
      "-c",
      "read line; cat /proc/1/comm; test -d /host/etc && echo $line on the node",
    ],
  );
  assert.match(onHost, /typed on the node/);
  const pods = (await cluster.kubectl("get", "pods", "-o", "name")).match(
    /pod\/node-debugger-\S+/g,
  );
  await cluster.kubectl("delete", ...pods!, "--timeout=120s");
}

async function kubelet({ cluster }: StreamPlace): Promise<void> {
  const pod = (await cluster.pod(POD))!;
  const node = pod.spec.nodeName!;
  const raw = (path: string) =>
    cluster.kubectl("get", "--raw", `/api/v1/nodes/${node}:10250/proxy${path}`);
  assert.equal(await raw("/healthz"), "ok");
  const { items } = JSON.parse(await raw("/pods"));
  assert.ok(
    items.some(({ metadata }: { metadata: { uid: string } }) => metadata.uid === pod.metadata.uid),
  );
  const summary = JSON.parse(await raw("/stats/summary"));
  assert.equal(summary.node.nodeName, node);
  assert.ok(summary.pods.some(({ podRef }: { podRef: { name: string } }) => podRef.name === POD));
  assert.match(await raw("/metrics"), new RegExp(`^kubelet_node_name\\{node="${node}"\\} 1$`, "m"));
  assert.match(await raw("/metrics/resource"), /^node_memory_working_set_bytes \d+ \d+$/m);
  assert.equal(JSON.parse(await raw("/configz")).kubeletconfig.kind, "KubeletConfiguration");
  assert.equal(await raw("/containerLogs/default/teller/main?tailLines=1"), "line 5\n");
  const run = await cluster.server.fetch(
    `/api/v1/nodes/${node}/proxy/run/default/${POD}/main?cmd=echo%20ran`,
    { method: "POST" },
  );
  assert.deepEqual([run.status, await run.text()], [200, "ran\n"]);
  const missing = await cluster.server.fetch(`/api/v1/nodes/${node}/proxy/nothing`);
  assert.deepEqual([missing.status, await missing.text()], [404, "404 page not found\n"]);
  await eventually("kubectl top knows the pod", async () => {
    const top = await cluster.server.kubectl(kubectlVersions().at(-1)!.path, ["top", "pod", POD]);
    return /streams\s+\d+m\s+\d+Mi/.test(top.stdout);
  });
  assert.match(await cluster.kubectl("top", "node", node), /\d+m\s+\d+%\s+\d+Mi/);
}

async function forwards({ cluster }: StreamPlace): Promise<void> {
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

async function proxies(place: StreamPlace): Promise<void> {
  const { cluster } = place;
  const port = { containerPort: 8080 };
  await cluster.apply(
    placed("proxied", {
      script: "exec httpd -f -p 8080 -h /etc",
      container: { ports: [port] },
    }, place),
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
