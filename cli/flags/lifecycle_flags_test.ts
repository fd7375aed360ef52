import assert from "node:assert/strict";
import { Command } from "commander";
import { withLifecycleFlags } from "./lifecycle_flags.ts";

function flagsOf(...args: string[]): Record<string, unknown> {
  const command = withLifecycleFlags(new Command()).exitOverride()
    .configureOutput({ writeErr: () => {} });
  return command.parse(args, { from: "user" }).opts();
}

Deno.test("the flags of Kubernetes' node lifecycle controller", () => {
  assert.deepEqual(flagsOf(), {});
  assert.deepEqual(
    flagsOf(
      ...["--node-monitor-grace-period", "1m30s", "--node-eviction-rate", "0.5"],
      ...["--secondary-node-eviction-rate", "0", "--unhealthy-zone-threshold", "0.7"],
      ...["--large-cluster-size-threshold", "20"],
    ),
    {
      nodeMonitorGracePeriod: 90_000,
      nodeEvictionRate: 0.5,
      secondaryNodeEvictionRate: 0,
      unhealthyZoneThreshold: 0.7,
      largeClusterSizeThreshold: 20,
    },
  );
});

Deno.test("what they refuse, and in which words", () => {
  const rows: [flag: string, value: string, words: RegExp][] = [
    ["--node-monitor-grace-period", "50", /a duration of at least 1s/],
    ["--node-monitor-grace-period", "999ms", /a duration of at least 1s/],
    ["--node-eviction-rate", "-1", /a number from 0 to 1000/],
    ["--node-eviction-rate", "1001", /a number from 0 to 1000/],
    ["--unhealthy-zone-threshold", "55", /a number from 0 to 1/],
    ["--large-cluster-size-threshold", "x", /a whole number/],
  ];
  for (const [flag, value, words] of rows) {
    assert.throws(() => flagsOf(`${flag}=${value}`), words, `${flag} ${value}`);
  }
});
