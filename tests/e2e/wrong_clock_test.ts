/** Machines whose clocks show 1970 or 2040 join, run pods and tell when something happened by the server's clock. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { eventually } from "../eventually.ts";
import { runProgram } from "../kubectl.ts";
import { type ServerProcess, withServer } from "../server_process.ts";
import { coracle, type Environment, joinCommand, joinedAgent } from "./join_process.ts";

const SOURCE = fileURLToPath(new URL("./shifted_clock.c", import.meta.url));
const PODS = "/api/v1/namespaces/default/pods";
const HOUR_MS = 3_600_000;

Deno.test({
  name: "a machine whose clock is decades off joins, renews its certificate and runs pods",
  ignore: !await hasCompiler(),
  fn: async () => {
    const folder = await Deno.makeTempDir({ prefix: "coracle-clock-" });
    const library = `${folder}/shifted_clock.so`;
    const built = await runProgram("cc", ["-shared", "-fPIC", "-O1", "-o", library, SOURCE]);
    assert.equal(built.code, 0, built.stderr);
    await withServer({ runtime: "process" }, async (server) => {
      const command = await joinCommand(server);
      for (
        const [node, date] of [["early", "1970-01-01T00:01:00Z"], [
          "late",
          "2040-06-01T00:00:00Z",
        ]] as const
      ) {
        const shift = Math.round((Date.parse(date) - new Date().getTime()) / 1_000);
        const env = { SHIFT_SECONDS: `${shift}`, LD_PRELOAD: library };
        await livesAs(server, { node, env, folder: `${folder}/${node}`, command });
      }
    });
    await Deno.remove(folder, { recursive: true });
  },
});

async function livesAs(
  server: ServerProcess,
  { node, env, folder, command }: {
    node: string;
    env: Environment;
    folder: string;
    command: string[];
  },
): Promise<void> {
  const joined = await coracle([...command, "--node", node, "--data", folder], env);
  assert.equal(joined.code, 0, joined.stderr);
  const path = `${folder}/identity/node.pem`;
  const before = await Deno.readTextFile(path);
  const issuedMs = Date.parse(/^issued: (.*)$/m.exec(before)![1]!);
  assert.ok(Math.abs(issuedMs - new Date().getTime()) < HOUR_MS, before.slice(0, 40));

  const agent = await joinedAgent(folder, { podCidr: "127.171.0.0/24", env });
  try {
    await server.create(PODS, {
      metadata: { name: node },
      spec: { nodeName: node, containers: [{ name: "a", image: "x", command: ["sleep", "1000"] }] },
    });
    await eventually(
      "its pod runs",
      async () => (await (await server.fetch(`${PODS}/${node}`)).json()).status.phase === "Running",
    );
    const events = await eventually("it tells so", async () => {
      const path = `/api/v1/namespaces/default/events?fieldSelector=involvedObject.name%3D${node}`;
      const { items } = await (await server.fetch(path)).json();
      return items.some(({ reason }: { reason: string }) => reason === "Started") && items;
    });
    for (const { lastTimestamp, reason } of events) {
      const offMs = Date.parse(lastTimestamp) - new Date().getTime();
      assert.ok(Math.abs(offMs) < HOUR_MS, `${reason} at ${lastTimestamp}`);
    }
    assert.equal(await Deno.readTextFile(path), before, "nothing was due");
  } finally {
    assert.equal(await agent.stop(), 0);
  }
  assert.doesNotMatch(agent.log(), /certificate/i);
  await renews({ node, env, folder });
}

/** What was issued long ago by the server's clock is renewed, whatever the machine's own shows. */
async function renews(
  { env, folder }: { node: string; env: Environment; folder: string },
): Promise<void> {
  const path = `${folder}/identity/node.pem`;
  const before = await Deno.readTextFile(path);
  await Deno.writeTextFile(path, before.replace(/^issued: .*$/m, "issued: 1970-01-01T00:00:00Z"));
  const agent = await joinedAgent(folder, { podCidr: "127.171.0.0/24", env });
  try {
    await eventually("the certificate is renewed", async () => {
      const after = await Deno.readTextFile(path);
      return after !== before && !after.includes("issued: 1970");
    });
  } finally {
    assert.equal(await agent.stop(), 0);
  }
}

async function hasCompiler(): Promise<boolean> {
  try {
    return (await runProgram("cc", ["--version"])).code === 0;
  } catch {
    return false;
  }
}
