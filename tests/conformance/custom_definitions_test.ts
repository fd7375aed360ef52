import assert from "node:assert/strict";
import { MODERN_KUBECTL_MISSING, newestKubectl } from "../kubectl.ts";
import { ServerProcess } from "../server_process.ts";
import { PROJECTS } from "./custom_definitions.ts";

const kubectl = newestKubectl();

Deno.test({
  name: kubectl
    ? "definitions like those of well-known projects are applied, checked and explained by kubectl"
    : `definitions of well-known projects (${MODERN_KUBECTL_MISSING})`,
  ignore: !kubectl,
  sanitizeOps: false, // the server's own pipes stay open as long as it runs
  sanitizeResources: false,
  async fn() {
    const server = await ServerProcess.start({ runtime: "process", args: ["--temporary"] });
    try {
      await check(server, kubectl!.path);
    } finally {
      await server.stop();
      await Deno.remove(server.dataFolder, { recursive: true });
    }
  },
});

async function check(server: ServerProcess, path: string): Promise<void> {
  // One document each: what is in a List of v1 is checked by kubectl itself, which stops at its first fault.
  const run = (args: string[], documents?: readonly object[]) =>
    server.kubectl(path, args, documents?.map((each) => JSON.stringify(each)).join("\n---\n"));
  const made = await run(["apply", "-f", "-"], PROJECTS.map(({ definition }) => definition));
  assert.equal(made.code, 0, made.stderr);
  const good = await run(["apply", "-f", "-"], PROJECTS.map(({ valid }) => valid));
  assert.equal(good.code, 0, good.stderr);
  const bad = await run(["apply", "-f", "-"], PROJECTS.map(({ invalid }) => invalid));
  assert.equal(bad.code, 1);
  for (const { name, said, plural, explained, group } of PROJECTS) {
    assert.match(bad.stderr, said, `${name}: ${bad.stderr}`);
    const { stdout, stderr } = await run(["explain", `${plural}.${explained}`]);
    assert.match(stdout, /DESCRIPTION:\n +\S/, `${name}: ${stderr}`);
    assert.match((await run(["get", `${plural}.${group}`])).stdout, /^NAME +.*\ngood /, name);
  }
}
