import assert from "node:assert/strict";
import { Command } from "commander";
import { LOG_LIMITS } from "../agent/runtimes/log_limits.ts";
import { withNodeFlags } from "./node_flags.ts";
import { pullsMaxOf } from "../server/kubelet/kubelet_options.ts";
import { logLimitsOf, type NodeFlags } from "../server/options.ts";

function flagsOf(...args: string[]): NodeFlags {
  const command = new Command().exitOverride().configureOutput({ writeErr: () => {} });
  return withNodeFlags(command, "/data").parse(args, { from: "user" }).opts<NodeFlags>();
}

Deno.test("what is kept of a container's log is as the flags say, else as the kubelet's", () => {
  assert.deepEqual(logLimitsOf(flagsOf()), LOG_LIMITS);
  const flags = flagsOf("--container-log-max-size", "1.5Mi", "--container-log-max-files", "2");
  assert.deepEqual(logLimitsOf(flags), { bytesMax: 1.5 * 1024 * 1024, filesMax: 2 });
});

Deno.test("one image is pulled at a time, unless the flags say otherwise", () => {
  const pulls = (...args: string[]) => pullsMaxOf(flagsOf(...args));
  const parallel = ["--serialize-image-pulls", "false"];
  assert.equal(pulls(), 1);
  assert.equal(pulls("--max-parallel-image-pulls", "7"), 1);
  assert.equal(pulls(...parallel), 5);
  assert.equal(pulls(...parallel, "--max-parallel-image-pulls", "7"), 7);
});

for (
  const [flag, value, advice] of [
    ["--container-log-max-size", "63Ki", /a size of at least 64Ki/],
    ["--container-log-max-size", "much", /a size of at least 64Ki/],
    ["--container-log-max-size", "1E", /a size of at least 64Ki/],
    ["--container-log-max-files", "1", /a number from 2 to 100/],
    ["--container-log-max-files", "101", /a number from 2 to 100/],
    ["--container-log-max-files", "-3", /a number from 2 to 100/],
    ["--serialize-image-pulls", "no", /true or false/],
    ["--max-parallel-image-pulls", "0", /a number from 1 to 100/],
  ] as const
) {
  Deno.test(`${flag} ${value} is refused`, () => {
    assert.throws(() => flagsOf(flag, value), advice);
  });
}
