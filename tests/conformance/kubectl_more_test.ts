import assert from "node:assert/strict";
import { eventually } from "../eventually.ts";
import { kubectlVersions, MODERN_KUBECTL_MISSING } from "../kubectl.ts";
import { ServerProcess } from "../server_process.ts";
import { webManifest } from "./web_manifest.ts";

const NAMESPACE = "more";

interface Case {
  run: readonly string[];
  input?: string;
  /** Exit code; 0 when it is not given. */
  code?: number;
  out?: RegExp;
  err?: RegExp;
}

const SLEEPER = ["--image=example.com/a:1", "--restart=Never", "--command", "--", "sleep", "3600"];
const COUNTER = ["--image=example.com/a:1", "--restart=Never", "--command", "--", "sh", "-c"];
const CASES: readonly Case[] = [
  {
    run: ["apply", "-f", "-"],
    input: webManifest(NAMESPACE),
    out: /deployment\.apps\/web created/,
  },
  { run: ["rollout", "status", "deployment/web", "--timeout=30s"], out: /successfully rolled out/ },
  {
    run: ["wait", "deployment/web", "--for=jsonpath={.status.readyReplicas}=2", "--timeout=30s"],
    out: /condition met/,
  },
  {
    run: [
      "get",
      "pods",
      "--sort-by=.metadata.creationTimestamp",
      "-o",
      "custom-columns=N:.metadata.name,P:.status.phase",
    ],
    out: /^N +P\nweb-\S+ +Running\nweb-\S+ +Running\n$/,
  },
  { run: ["get", "services", "-A", "--sort-by=.metadata.name"], out: /kubernetes[^]*web/ },
  {
    run: ["set", "resources", "deployment", "web", "--requests=cpu=2m"],
    out: /resource requirements updated/,
  },
  { run: ["rollout", "status", "deployment/web", "--timeout=60s"], out: /successfully rolled out/ },
  { run: ["set", "image", "deployment/web", "web=example.com/web:3"], out: /image updated/ },
  { run: ["rollout", "status", "deployment/web", "--timeout=60s"], out: /successfully rolled out/ },
  { run: ["rollout", "undo", "deployment/web", "--to-revision=1"], out: /rolled back/ },
  { run: ["rollout", "status", "deployment/web", "--timeout=60s"], out: /successfully rolled out/ },
  {
    run: [
      "get",
      "deployment",
      "web",
      "-o",
      "jsonpath={.spec.template.spec.containers[0].resources.requests.cpu}",
    ],
    out: /^1m$/,
  },
  {
    run: [
      "create",
      "deployment",
      "made",
      "--image=example.com/a:1",
      "--replicas=1",
      "--port=8080",
      "--",
      "sleep",
      "3600",
    ],
    out: /deployment\.apps\/made created/,
  },
  {
    run: ["expose", "deployment", "made", "--port=80", "--target-port=8080"],
    out: /service\/made exposed/,
  },
  {
    run: ["rollout", "status", "deployment/made", "--timeout=30s"],
    out: /successfully rolled out/,
  },
  {
    run: ["get", "endpointslices", "-l", "kubernetes.io/service-name=made"],
    out: /made-\w+ +IPv4 +8080/,
  },
  { run: ["run", "sleeper", ...SLEEPER], out: /pod\/sleeper created/ },
  { run: ["wait", "pod/sleeper", "--for=condition=Ready", "--timeout=30s"], out: /condition met/ },
  { run: ["exec", "sleeper", "--", "echo", "here"], out: /^here\n$/ },
  { run: ["top", "pods"], code: 1, err: /metrics not available yet/ },
  { run: ["create", "configmap", "one", "--from-literal=a=1"], out: /created/ },
  { run: ["label", "configmap", "one", "tier=x"], out: /labeled/ },
  { run: ["delete", "configmaps", "-l", "tier=x"], out: /configmap "one" deleted/ },
  { run: ["delete", "pod", "sleeper", "--grace-period=0", "--force"], out: /force deleted/ },
  {
    run: ["delete", "deployment", "made", "--cascade=orphan"],
    out: /deployment\.apps "made" deleted/,
  },
  {
    run: ["get", "pods", "-l", "app=made", "-o", "jsonpath={.items[*].status.phase}"],
    out: /^Running$/,
  },
  { run: ["delete", "replicasets", "-l", "app=made"], out: /deleted/ },
  { run: ["wait", "pods", "-l", "app=made", "--for=delete", "--timeout=60s"] },
  {
    run: ["replace", "--force", "--grace-period=1", "-f", "-"],
    input: webManifest(NAMESPACE).split("---")[2]!,
    out: /service\/web replaced|service "web" deleted/,
  },
];

const kubectl = kubectlVersions().at(-1);

Deno.test({
  name: `kubectl's less common commands work${kubectl ? "" : ` (${MODERN_KUBECTL_MISSING})`}`,
  ignore: !kubectl,
  sanitizeOps: false, // the server's own pipes stay open as long as it runs
  sanitizeResources: false,
  async fn(test) {
    const server = await ServerProcess.start({
      runtime: "process",
      args: ["--stop-pods", "--temporary"],
    });
    const run = (args: readonly string[], input?: string) =>
      server.kubectl(kubectl!.path, ["-n", NAMESPACE, ...args], input);
    try {
      for (const { run: args, input, code = 0, out, err } of CASES) {
        await test.step(`kubectl ${args.slice(0, 4).join(" ")}`, async () => {
          const output = await run(args, input);
          assert.equal(output.code, code, output.stderr + output.stdout);
          if (out) assert.match(output.stdout, out);
          if (err) assert.match(output.stderr, err);
        });
      }
      await test.step("get -w shows changes as they come", () => watches(server));
      await test.step("logs -f follows to the end of the container", () => follows(server));
    } finally {
      await server.stop();
      await Deno.remove(server.dataFolder, { recursive: true });
    }
  },
});

/** A kubectl that keeps running; `lines` grows. */
function start(
  server: ServerProcess,
  ...args: string[]
): { lines: () => string; child: Deno.ChildProcess } {
  const child = new Deno.Command(kubectl!.path, {
    args: ["--kubeconfig", server.kubeconfig, "-n", NAMESPACE, ...args],
    env: { HOME: `${server.dataFolder}/home-more` },
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  let text = "";
  void (async () => {
    for await (const part of child.stdout.pipeThrough(new TextDecoderStream())) text += part;
  })();
  return { lines: () => text, child };
}

async function watches(server: ServerProcess): Promise<void> {
  const { lines, child } = start(
    server,
    "get",
    "pods",
    "-l",
    "app=web",
    "-w",
    "--output-watch-events",
  );
  try {
    await eventually("the first state", () => (lines().match(/ADDED/g)?.length ?? 0) >= 2);
    await server.kubectl(kubectl!.path, [
      "-n",
      NAMESPACE,
      "scale",
      "deployment/web",
      "--replicas=3",
    ]);
    await eventually("the new pod runs", () => /MODIFIED +web-\S+ +1\/1 +Running/.test(lines()));
    assert.equal(new Set(lines().match(/ADDED +web-\S+/g)).size, 3, lines());
    await server.kubectl(kubectl!.path, [
      "-n",
      NAMESPACE,
      "scale",
      "deployment/web",
      "--replicas=2",
    ]);
    await eventually("the pod goes", () => /DELETED +web-/.test(lines()));
  } finally {
    child.kill("SIGKILL");
    await child.status;
  }
}

async function follows(server: ServerProcess): Promise<void> {
  const gate = `${server.dataFolder}/gate`; // the rest is said once the first has been seen
  const script = `echo line 1; until [ -e ${gate} ]; do sleep 0.1; done; echo line 2; echo line 3`;
  await server.kubectl(kubectl!.path, ["-n", NAMESPACE, "run", "counter", ...COUNTER, script]);
  await server.kubectl(kubectl!.path, [
    "-n",
    NAMESPACE,
    "wait",
    "pod/counter",
    "--for=jsonpath={.status.containerStatuses[0].started}=true",
    "--timeout=30s",
  ]);
  const { lines, child } = start(server, "logs", "-f", "counter");
  await eventually("the first line comes", () => lines() === "line 1\n");
  await Deno.writeTextFile(gate, "");
  const { code } = await child.status;
  assert.equal(code, 0);
  const all = "line 1\nline 2\nline 3\n";
  await eventually("all lines", () => lines() === all);
}
