import assert from "node:assert/strict";
import { onPath, runProgram } from "../kubectl.ts";
import { withServer } from "../server_process.ts";

const python = await pythonWithKubernetes();
const missing = python === undefined ? " (needs: pip install kubernetes)" : "";

Deno.test({
  name:
    `Python's client reads, writes, watches, applies, defines a kind and runs a program in a pod${missing}`,
  ignore: python === undefined,
  fn: () =>
    withServer({ runtime: "process" }, async (server) => {
      const script = "tests/conformance/python_client.py";
      const { code, stdout, stderr } = await runProgram(python!, [script, server.kubeconfig]);
      assert.deepEqual([code, stdout, stderr.trim()], [0, "ok\n", ""]);
    }),
});

async function pythonWithKubernetes(): Promise<string | undefined> {
  const python = onPath("python3");
  if (python === undefined) return undefined;
  const { code } = await runProgram(python, ["-c", "import kubernetes"]);
  return code === 0 ? python : undefined;
}
