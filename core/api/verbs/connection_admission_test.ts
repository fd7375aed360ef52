import assert from "node:assert/strict";
import { connectOptions } from "./connection_admission.ts";

Deno.test("the options of a connection are what its query says", () => {
  const of = (kind: string, text: string) => connectOptions(kind, new URLSearchParams(text));
  assert.deepEqual(
    of("PodExecOptions", "command=ls&command=-l&stdin=true&stdout=1&tty=false&container=main"),
    {
      kind: "PodExecOptions",
      apiVersion: "v1",
      stdin: true,
      stdout: true,
      container: "main",
      command: ["ls", "-l"],
    },
  );
  assert.deepEqual(of("PodPortForwardOptions", "ports=80,81&ports=x"), {
    kind: "PodPortForwardOptions",
    apiVersion: "v1",
    ports: [80, 81],
  });
  assert.deepEqual(of("PodProxyOptions", "__proto__=1&constructor=2"), {
    kind: "PodProxyOptions",
    apiVersion: "v1",
  });
});
