import assert from "node:assert/strict";
import { kubectlVersions, MODERN_KUBECTL_MISSING } from "../kubectl.ts";
import { ServerProcess } from "../server_process.ts";
import { faultsOf, type KubectlCase } from "./kubectl_case.ts";

/** A ConfigMap and a Deployment that is not started. */
const manifest = (color: string, image: string) =>
  JSON.stringify({
    apiVersion: "v1",
    kind: "List",
    items: [
      { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "colors" }, data: { color } },
      {
        apiVersion: "apps/v1",
        kind: "Deployment",
        metadata: { name: "web" },
        spec: {
          replicas: 0,
          selector: { matchLabels: { app: "web" } },
          template: {
            metadata: { labels: { app: "web" } },
            spec: { containers: [{ name: "web", image }] },
          },
        },
      },
    ],
  });

const FIRST = manifest("red", "example.com/web:1");
const OTHER = manifest("blue", "example.com/web:2");
const MANAGERS = "jsonpath={range .metadata.managedFields[*]}{.manager}/{.operation} {end}";

const CASES: readonly KubectlCase[] = [
  {
    run: "apply --server-side -f -",
    input: FIRST,
    out: /configmap\/colors serverside-applied\ndeployment\.apps\/web serverside-applied/,
  },
  {
    run: ["get", "configmap", "colors", "--show-managed-fields", "-o", MANAGERS],
    out: /^kubectl\/Apply $/,
  },
  { run: "get configmap colors -o yaml", out: /^(?![^]*managedFields)[^]*color: red/ },
  {
    run: "get deployment web --show-managed-fields -o yaml",
    out: /f:containers:\s+k:\{"name":"web"\}:\s+\.: \{\}\s+f:image: \{\}/,
  },
  {
    run: "apply --server-side --field-manager=other -f -",
    input: OTHER,
    code: 1,
    err:
      /Apply failed with 1 conflict: conflict with "kubectl": \.data\.color[^]*conflict with "kubectl": \.spec\.template\.spec\.containers\[name="web"\]\.image/,
  },
  {
    run: "diff --server-side --field-manager=other --force-conflicts -f -",
    input: OTHER,
    code: 1,
    out: /-\s+color: red\n\+\s+color: blue/,
  },
  { run: "get configmap colors -o jsonpath={.data.color}", out: /^red$/ },
  {
    run: "apply --server-side --dry-run=server --field-manager=other --force-conflicts -f -",
    input: OTHER,
    out: /configmap\/colors serverside-applied \(server dry run\)/,
  },
  {
    run: "apply --server-side --field-manager=other --force-conflicts -f -",
    input: OTHER,
    out: /deployment\.apps\/web serverside-applied/,
  },
  { run: "get configmap colors -o jsonpath={.data.color}", out: /^blue$/ },
  {
    run: ["get", "configmap", "colors", "--show-managed-fields", "-o", MANAGERS],
    out: /^other\/Apply $/,
  },
  // From client-side apply to server-side apply.
  { run: "delete configmap/colors deployment/web", out: /deleted/ },
  { run: "apply -f -", input: FIRST, out: /deployment\.apps\/web created/ },
  {
    run: ["get", "deployment", "web", "--show-managed-fields", "-o", MANAGERS],
    out: /kubectl-client-side-apply\/Update/,
  },
  {
    run: "apply --server-side -f -",
    input: OTHER,
    out: /deployment\.apps\/web serverside-applied/,
  },
  {
    run: ["get", "configmap", "colors", "--show-managed-fields", "-o", MANAGERS],
    out: /^kubectl-last-applied\/Apply kubectl\/Apply $/,
  },
  // And back: the annotation has followed.
  { run: "apply -f -", input: OTHER, out: /configmap\/colors (unchanged|configured)/ },
  // Scaling takes the replicas.
  { run: "scale deployment web --replicas=0 --current-replicas=0", out: /scaled/ },
  {
    run: "apply --server-side --field-manager=bad -f -",
    input: `{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "bad"}, "nope": 1}`,
    code: 1,
    err: /field not declared in schema|unknown field "nope"/,
  },
  { run: "delete configmap/colors deployment/web", out: /deleted/ },
];

/** The oldest and the newest: a server-side apply is mostly the server's. */
const all = kubectlVersions();
const versions = [...new Set([...all.slice(0, 1), ...all.slice(-1)])];

Deno.test({
  name:
    `kubectl applies on the server's side: conflicts, force, diffs, and what it applied itself before${
      versions.length ? "" : ` (${MODERN_KUBECTL_MISSING})`
    }`,
  ignore: versions.length === 0,
  sanitizeOps: false, // the server's own pipes stay open as long as it runs
  sanitizeResources: false,
  async fn() {
    const server = await ServerProcess.start({ runtime: "process", args: ["--temporary"] });
    try {
      const faults: string[] = [];
      for (const kubectl of versions) {
        faults.push(...await faultsOf(server, kubectl, CASES, { NS: "default" }));
      }
      assert.deepEqual(faults, [], faults.join("\n\n"));
    } finally {
      await server.stop();
      await Deno.remove(server.dataFolder, { recursive: true });
    }
  },
});
