import assert from "node:assert/strict";
import { Command } from "commander";
import { LOG_LIMITS } from "../agent/runtimes/log_limits.ts";
import { withNodeFlags } from "./node_flags.ts";
import { agentOptionsOf, podPidsOf, pullsMaxOf } from "../server/kubelet/kubelet_options.ts";
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

Deno.test("what is kept free of pods is as the flags say, else as the kubelet's", () => {
  const imageDiskShares = { high: 0.85, low: 0.8 };
  assert.deepEqual(agentOptionsOf(flagsOf()), {
    ...{ pullsMax: 1, reservations: [{}, {}], imageDiskShares },
  });
  const options = agentOptionsOf(flagsOf(
    ...["--system-reserved", "cpu=200m,memory=500Mi", "--kube-reserved", "ephemeral-storage=1Gi"],
    ...["--image-gc-high-threshold", "70", "--minimum-image-ttl-duration", "1h"],
    ...["--eviction-hard", "memory.available<1Gi", "--eviction-pressure-transition-period", "30s"],
  ));
  assert.deepEqual(options, {
    pullsMax: 1,
    reservations: [{ cpu: "200m", memory: "500Mi" }, { "ephemeral-storage": "1Gi" }],
    evictionThresholds: [{ signal: "memory.available", limit: { amount: 1024 ** 3 } }],
    pressureTransitionMs: 30_000,
    imageDiskShares: { high: 0.7, low: 0.7 },
    imageAgeMsMin: 3_600_000,
  });
});

Deno.test("a node gives itself the labels and taints that the flags say", () => {
  const { nodeLabels, registerWithTaints } = flagsOf(
    ...["--node-labels", "zone=a,example.com/tier=", "--register-with-taints"],
    "site=remote:NoSchedule,alone:NoExecute",
  );
  assert.deepEqual(nodeLabels, { zone: "a", "example.com/tier": "" });
  assert.deepEqual(registerWithTaints, [
    { key: "site", value: "remote", effect: "NoSchedule" },
    { key: "alone", effect: "NoExecute" },
  ]);
});

for (
  const [flag, value, advice] of [
    ["--node-labels", "a=b=c", /is no KEY=VALUE: it has two equal signs/],
    ["--node-labels", "-=x", /is no KEY=VALUE/],
    [
      "--node-labels",
      "kubernetes.io/os=linux,node-role.kubernetes.io/x=,a.k8s.io/b=c",
      /unknown 'kubernetes.io' or 'k8s.io' labels specified with --node-labels: \[node-role.kubernetes.io\/x a.k8s.io\/b\]/,
    ],
    ["--register-with-taints", "a=b", /its effect is NoSchedule, PreferNoSchedule or NoExecute/],
    ["--register-with-taints", "=b:NoSchedule", /is no KEY=VALUE:EFFECT/],
    ["--container-log-max-size", "63Ki", /a size of at least 64Ki/],
    ["--container-log-max-size", "much", /a size of at least 64Ki/],
    ["--container-log-max-size", "1E", /a size of at least 64Ki/],
    ["--container-log-max-files", "1", /a number from 2 to 100/],
    ["--container-log-max-files", "101", /a number from 2 to 100/],
    ["--container-log-max-files", "-3", /a number from 2 to 100/],
    ["--serialize-image-pulls", "no", /true or false/],
    ["--max-parallel-image-pulls", "0", /a number from 1 to 100/],
    ["--max-pods", "0", /a number from 1 to 1000/],
    ["--system-reserved", "gpu=1", /amounts of cpu, memory/],
    ["--system-reserved", "cpu=-1", /amounts of cpu, memory/],
    ["--kube-reserved", "cpu=x", /amounts of cpu, memory/],
    ["--eviction-hard", "memory.available<x", /thresholds such as/],
    ["--eviction-hard", "memory.free<1Gi", /there are memory.available/],
    ["--eviction-pressure-transition-period", "5", /a duration such as 5m/],
  ] as const
) {
  Deno.test(`${flag} ${value} is refused`, () => {
    assert.throws(() => flagsOf(flag, value), advice);
  });
}

Deno.test("a pod has as many processes as its node can bear, unless the flags say otherwise", () => {
  const pids = (cpus: number, ...args: string[]) => podPidsOf(flagsOf(...args), cpus).podPidsMax;
  assert.deepEqual([1, 2, 16].map((cpus) => pids(cpus)), [512, 512, 4096]);
  assert.equal(pids(2, "--pod-max-pids", "100"), 100);
  assert.equal(pids(2, "--pod-max-pids", "-1"), -1);
  for (const text of ["0", "-2", "many"]) {
    assert.throws(() => pids(2, "--pod-max-pids", text), /It must be a number from 1/);
  }
});
