/** A server and an agent of different versions work together: the one before this one, on either side. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { eventually } from "../eventually.ts";
import { runProgram } from "../kubectl.ts";
import { ServerProcess } from "../server_process.ts";

const HERE = fileURLToPath(new URL("../..", import.meta.url));
const PODS = "/api/v1/namespaces/default/pods";
const NODE = "edge";

/** The version before: the commit before the last one, or the one that the environment names. */
const previous = await commitOf(Deno.env.get("CORACLE_PREVIOUS") ?? "HEAD~1");
const missing = previous === undefined ? " (needs git and the commit before the last one)" : "";

async function commitOf(name: string): Promise<string | undefined> {
  const { code, stdout } = await runProgram("git", ["-C", HERE, "rev-parse", "--verify", name]);
  return code === 0 ? stdout.trim() : undefined;
}

/** The sources of the version before, as long as the test needs them. */
async function withPrevious(act: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "coracle-previous-" });
  try {
    const archive = `${folder}.tar`;
    await succeeded("git", ["-C", HERE, "archive", "-o", archive, previous!]);
    await succeeded("tar", ["-xf", archive, "-C", folder]);
    await Deno.remove(archive);
    await act(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function succeeded(program: string, args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runProgram(program, args);
  assert.equal(code, 0, `${program} ${args.join(" ")}: ${stderr}`);
  return stdout;
}

function coracleIn(folder: string, ...args: string[]): string[] {
  return ["run", "-A", "--quiet", "--config", `${folder}/deno.json`, `${folder}/main.ts`, ...args];
}

/** A machine joins by the sources of `agent`, and runs a pod whose log is read at the server of `server`. */
async function workTogether(server: string, agent: string, podCidr: string): Promise<void> {
  const serving = await ServerProcess.start({ runtime: "process", subnet: 126, folder: server });
  const data = await Deno.makeTempDir({ prefix: "coracle-agent-" });
  try {
    const kubeconfig = ["--kubeconfig", serving.kubeconfig];
    const printed = await succeeded(
      Deno.execPath(),
      coracleIn(server, "token", "create", ...kubeconfig),
    );
    const [, ...join] = printed.trim().split(" ");
    await succeeded(Deno.execPath(), coracleIn(agent, ...join, "--node", NODE, "--data", data));
    const running = agentOf(agent, data, podCidr);
    try {
      await runsPod(serving).catch((error) => {
        throw new Error(`${error.message}\n${running.log()}\n${serving.log}`, { cause: error });
      });
    } finally {
      assert.equal(await running.stop(), 0, running.log());
    }
  } finally {
    await serving.destroy();
    await Deno.remove(data, { recursive: true });
  }
}

function agentOf(folder: string, data: string, podCidr: string) {
  const child = new Deno.Command(Deno.execPath(), {
    args: coracleIn(
      folder,
      ...["agent", "--data", data, "--runtime", "process", "--stop-pods"],
      ...["--gateway-address", "127.0.0.1", "--pod-cidr", podCidr],
    ),
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const log: string[] = [];
  const collected = Promise.all([child.stdout, child.stderr].map(async (stream) => {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) log.push(text);
  }));
  const stop = async () => {
    child.kill("SIGTERM");
    await collected;
    return (await child.status).code;
  };
  return { stop, log: () => log.join("") };
}

async function runsPod(server: ServerProcess): Promise<void> {
  await eventually("the node is ready", async () => {
    const node = await (await server.fetch(`/api/v1/nodes/${NODE}`)).json();
    return node.status.conditions?.some((one: { type: string; status: string }) =>
      one.type === "Ready" && one.status === "True"
    );
  });
  const made = await server.fetch(PODS, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      metadata: { name: "web" },
      spec: {
        nodeName: NODE,
        terminationGracePeriodSeconds: 1,
        containers: [{ name: "main", image: "x", command: ["sh", "-c", "echo hello; sleep 600"] }],
      },
    }),
  });
  assert.equal(made.status, 201, await made.text());
  await eventually("its log is read", async () => {
    const answer = await server.fetch(`${PODS}/web/log`);
    return await answer.text() === "hello\n";
  });
}

Deno.test({
  name: `the agent of the version before works with this server${missing}`,
  ignore: previous === undefined,
  fn: () => withPrevious((folder) => workTogether(HERE, folder, "127.171.0.0/24")),
  ...{ sanitizeOps: false, sanitizeResources: false },
});

Deno.test({
  name: `this agent works with the server of the version before${missing}`,
  ignore: previous === undefined,
  fn: () => withPrevious((folder) => workTogether(folder, HERE, "127.172.0.0/24")),
  ...{ sanitizeOps: false, sanitizeResources: false },
});
