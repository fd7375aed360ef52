import assert from "node:assert/strict";
import type { Terminal } from "../server/terminal.ts";
import { runProgram } from "./program.ts";

interface Ended {
  code: number;
  out: string;
  err: string;
}

/** Runs `coracle` with a terminal that records its output. */
async function run(...args: string[]): Promise<Ended> {
  const said = { out: "", err: "" };
  const terminal: Terminal = {
    out: (text) => void (said.out += text),
    err: (text) => void (said.err += text),
    interactive: false,
    signal: new AbortController().signal,
  };
  return { code: await runProgram(args, terminal), ...said };
}

/** Asserts this exit code and one matching line on standard error. */
async function fails(args: string[], code: 1 | 2, line: RegExp): Promise<void> {
  const ended = await run(...args);
  assert.deepEqual([ended.code, ended.out], [code, ""], `${args.join(" ")}\n${ended.err}`);
  assert.match(ended.err, /^coracle: [^\n]+\n$/);
  assert.match(ended.err, line);
}

async function inFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "coracle-test-" });
  try {
    await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const WRONG_USAGE: readonly [args: string, line: RegExp][] = [
  ["sever", /unknown command 'sever' \(Did you mean server\?\); see "coracle help"/],
  ["--colour", /unknown option '--colour'/],
  ["server --colour", /unknown option '--colour'/],
  ["server --dta x", /unknown option '--dta' \(Did you mean --data\?\)/],
  ["server extra", /too many arguments/],
  ["server --data", /option '--data <dir>' argument missing/],
  ["server --listen 6443", /must be HOST:PORT, such as 127\.0\.0\.1:6443/],
  ["server --listen 127.0.0.1:65536", /must be HOST:PORT/],
  ["server --listen 127.0.0.1:http", /must be HOST:PORT/],
  ["server --runtime docker", /Allowed choices are auto, podman, process/],
  ["server --front nginx", /Allowed choices are auto, tls-thread, https/],
  ["server --node Has_Capitals", /must be a DNS subdomain/],
  ["server --pod-cidr 10.0.0.0", /must be an IPv4 range/],
  ["server --pod-cidr 10.0.0.256/24", /must be an IPv4 range/],
  ["server --service-cidr 10.0.0.0/33", /must be an IPv4 range/],
  ["server --gateway-address everywhere", /must be an IP address/],
  ["server --store 10.0.0.1:2379", /must be etcd:\/\/HOST:PORT,… or https:\/\/…/],
  ["server --store etcd://10.0.0.1:a", /must be etcd:\/\/HOST:PORT/],
  ["server --store-user name", /must be NAME:PASSWORD/],
  ["server --store-lease 1", /must be whole seconds, 2 to 60/],
  ["server --log-level loud", /Allowed choices are debug, info, warn, error/],
  ["agent --server http://127.0.0.1", /must be a URL such as https/],
  ["apply", /required option '-f, --filename <file\.\.\.>' not specified/],
  ["apply -f x --dry-run=client", /Allowed choices are server/],
  ["demo --runtime docker", /Allowed choices are auto, podman, process/],
  ["help sever", /unknown command|see "coracle help"/],
];

for (const [args, line] of WRONG_USAGE) {
  Deno.test(`coracle ${args}: exit code 2 and one line that says why`, () =>
    fails(args.split(" "), 2, line));
}

Deno.test("coracle without a command shows the commands, and is wrong usage", async () => {
  const { code, err } = await run();
  assert.equal(code, 2);
  assert.match(err, /Usage: coracle[^]*server[^]*apply[^]*demo/);
});

Deno.test("help and version succeed", async () => {
  for (const args of [["help"], ["--help"], ["help", "server"], ["server", "--help"]]) {
    const { code, out, err } = await run(...args);
    assert.deepEqual([code, err], [0, ""]);
    assert.match(out, args.includes("server") ? /--listen <host:port>/ : /Commands:[^]*apply/);
  }
  const { code, out } = await run("version");
  assert.equal(code, 0);
  assert.match(out, /^coracle \d+\.\d+\.\d+ \(Kubernetes API 1\.\d+\.\d+, /);
});

Deno.test("a data folder that cannot be created is refused before anything starts", async () => {
  await inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/file`, "");
    const args = ["server", "--runtime", "process", "--data", `${folder}/file/data`];
    await fails(args, 1, /Cannot keep data in ".*\/file\/data": .*; choose .* with --data/);
  });
});

Deno.test("a missing manifest, one that is not text, and a folder without manifests are refused", async () => {
  await inFolder(async (folder) => {
    await fails(
      ["apply", "-f", `${folder}/no.yaml`],
      1,
      /Cannot read ".*no\.yaml": .*No such file/,
    );
    await fails(["apply", "-f", folder], 1, /There is no \.yaml, \.yml or \.json file in/);
    await Deno.writeFile(`${folder}/bytes.yaml`, Uint8Array.from([255, 254]));
    await fails(["apply", "-f", `${folder}/bytes.yaml`], 1, /it is not UTF-8 text/);
  });
});

Deno.test("a missing or broken kubeconfig is refused, as is one whose server does not answer", async () => {
  await inFolder(async (folder) => {
    const [manifest, config] = [`${folder}/a.yaml`, `${folder}/config`];
    await Deno.writeTextFile(manifest, "a: 1\n");
    const args = ["apply", "-f", manifest, "--kubeconfig", config];
    await fails(args, 1, /Cannot read the kubeconfig ".*config": .*; is the server running\?/);
    await Deno.writeTextFile(config, "{");
    await fails(args, 1, /Cannot read the kubeconfig/);
    await Deno.writeTextFile(config, "contexts: 7\n");
    await fails(args, 1, /Cannot use the kubeconfig ".*config"/);
    await Deno.writeTextFile(config, kubeconfigTo("https://127.0.0.1:1"));
    await fails(args, 1, /Cannot reach the server at https:\/\/127\.0\.0\.1:1: .*"coracle server"/);
  });
});

function kubeconfigTo(server: string): string {
  return JSON.stringify({
    "current-context": "a",
    contexts: [{ name: "a", context: { cluster: "b", user: "c" } }],
    clusters: [{ name: "b", cluster: { server } }],
    users: [{ name: "c", user: { token: "x" } }],
  });
}
