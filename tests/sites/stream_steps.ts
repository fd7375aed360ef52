import assert from "node:assert/strict";
import { newestKubectl } from "../kubectl.ts";
import type { Step } from "../e2e/steps.ts";
import { eventually } from "../eventually.ts";
import type { SitesLab } from "./sites_lab.ts";

const POD = "on-site-a";
const CORE = "/api/v1";
const kubectl = newestKubectl()?.path;

/** What kubectl does with a pod whose node only connects outwards. */
export const STREAM_STEPS: readonly Step<SitesLab>[] = [
  { name: "kubectl exec: streams, exit code, bulk both ways", run: commands },
  { name: "kubectl logs, followed to the end", run: logs },
  { name: "kubectl attach, and cp there and back", run: attachAndCopy },
  { name: "kubectl port-forward", run: forward },
  { name: "kubectl debug and top", run: debugAndTop },
  { name: "pods and nodes are reached through the API", run: proxies },
  { name: "a broken tunnel ends what was open, with the reason", run: broken },
];

async function commands({ cluster: { server } }: SitesLab): Promise<void> {
  const run = (args: readonly string[], input?: string) => server.kubectl(kubectl!, args, input);
  const split = await run(["exec", POD, "--", "sh", "-c", "echo out; echo bad >&2; exit 7"]);
  assert.deepEqual([split.code, split.stdout], [7, "out\n"]);
  assert.match(split.stderr, /^bad\n/);
  const bytes = "0123456789abcdef".repeat(200_000);
  const counted = await run(["exec", "-i", POD, "--", "wc", "-c"], bytes);
  assert.equal(counted.stdout.trim(), String(bytes.length), counted.stderr);
  const echoed = await run(["exec", "-i", POD, "--", "cat"], bytes);
  assert.ok(echoed.stdout === bytes, `${echoed.stdout.length} bytes of ${bytes.length}`);
}

async function logs({ cluster }: SitesLab): Promise<void> {
  const script = "for i in 1 2 3 4 5; do echo line $i; sleep 0.2; done";
  await cluster.kubectl(
    ...["run", "teller", "--image=localhost/e2e:1", "--restart=Never"],
    ...[`--overrides=${OVERRIDES}`, "--command", "--", "sh", "-c", script],
  );
  await cluster.podWhen("teller", ({ status }) => status.phase !== "Pending");
  const lines = await cluster.logs("teller", "-f");
  assert.equal(lines, "line 1\nline 2\nline 3\nline 4\nline 5\n");
  assert.equal(await cluster.logs("teller", "--tail=2"), "line 4\nline 5\n");
  await cluster.delete("pod", "teller");
}

async function attachAndCopy({ cluster }: SitesLab): Promise<void> {
  const script = "cat; echo; echo end";
  const { stdout } = await cluster.server.kubectl(kubectl!, [
    ...["run", "reader", "-i", "--restart=Never", "--image=localhost/e2e:1"],
    ...[`--overrides=${OVERRIDES}`, "--pod-running-timeout=30s", "--command", "--"],
    ...["sh", "-c", script],
  ], "what was typed");
  // What comes before the client is attached is in the log.
  assert.match(stdout + await cluster.logs("reader"), /what was typed\nend\n/);
  await cluster.delete("pod", "reader");
  const folder = await Deno.makeTempDir({ prefix: "coracle-sites-" });
  try {
    const bytes = crypto.getRandomValues(new Uint8Array(60_000));
    await Deno.writeFile(`${folder}/there`, bytes);
    await cluster.kubectl("cp", `${folder}/there`, `${POD}:/tmp/copied`);
    await cluster.kubectl("cp", `${POD}:/tmp/copied`, `${folder}/back`);
    assert.deepEqual(await Deno.readFile(`${folder}/back`), bytes);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function forward({ cluster: { server } }: SitesLab): Promise<void> {
  const child = server.startKubectl(kubectl!, ["port-forward", POD, ":8080"]);
  try {
    const port = await portSaidBy(child);
    for (let i = 0; i < 5; i++) {
      const answer = await fetch(`http://127.0.0.1:${port}/`);
      assert.equal((await answer.text()).trim(), POD);
    }
  } finally {
    child.kill("SIGKILL");
    await child.status;
  }
}

async function debugAndTop({ cluster }: SitesLab): Promise<void> {
  const { stdout, stderr } = await cluster.server.kubectl(kubectl!, [
    ...["debug", POD, "--image=localhost/e2e:1", "--image-pull-policy=Never", "--target=main"],
    ...["-i", "-c", "debugger", "--", "sh", "-c", "head -n 1; pidof httpd"],
  ], "debugged\n");
  // What comes before the client is attached is in the log. It sees the processes of the other container.
  const shown = stdout + await cluster.logs(POD, "-c", "debugger");
  assert.match(shown, /debugged\n\d+\n/, stderr);
  await eventually("the node's usage is known", async () => {
    const text = await cluster.kubectl("top", "node", "site-a").catch(() => "");
    return /site-a\s+\d+m\s+\d+%\s+\d+Mi/.test(text);
  });
  assert.match(await cluster.kubectl("top", "pod", POD), /on-site-a\s+\d+m\s+\d+Mi/);
}

async function proxies({ cluster: { server } }: SitesLab): Promise<void> {
  const pod = await server.fetch(`${CORE}/namespaces/default/pods/${POD}:8080/proxy/`);
  assert.equal((await pod.text()).trim(), POD);
  const node = `${CORE}/nodes/site-a/proxy`;
  assert.equal(await (await server.fetch(`${node}/healthz`)).text(), "ok");
  const { items } = await (await server.fetch(`${node}/pods`)).json();
  assert.ok(
    items.some(({ metadata }: { metadata: { name: string } }) => metadata.name === POD),
    "the node tells its pods",
  );
  const summary = await (await server.fetch(`${node}/stats/summary`)).json();
  assert.equal(summary.node.nodeName, "site-a");
  const metrics = await (await server.fetch(`${node}/metrics`)).text();
  assert.match(metrics, /^# HELP /m);
  const log = await server.fetch(`${node}/containerLogs/default/${POD}/main`);
  assert.equal(log.status, 200);
}

async function broken(lab: SitesLab): Promise<void> {
  const { cluster, a } = lab;
  const following = cluster.server.kubectl(kubectl!, ["exec", POD, "--", "sleep", "600"]);
  await eventually("the command runs", async () => {
    const list = await cluster.kubectl("exec", POD, "--", "ps");
    return list.includes("sleep 600");
  });
  await a.agent!.kill();
  const { code, stderr } = await following;
  assert.notEqual(code, 0);
  assert.match(stderr, /site-a/, "it says which node was lost");
  const refused = await cluster.server.fetch(`${CORE}/namespaces/default/pods/${POD}/log`);
  assert.notEqual(refused.status, 200);
  assert.match((await refused.json()).message, /site-a/);
  await lab.startJoined(a);
  await lab.nodeIs(a, "True");
}

const OVERRIDES = JSON.stringify({
  spec: { nodeSelector: { "kubernetes.io/hostname": "site-a" } },
});

/** Leaves the output open: kubectl ends when it cannot say what it does. */
async function portSaidBy(child: Deno.ChildProcess): Promise<string> {
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
