import assert from "node:assert/strict";
import type { Pod } from "../../core/resources/core/pods/pods.ts";
import { cgroupSettings } from "./cgroup_settings.ts";
import { cpuQuotaUsOf, cpuSharesOf, podCgroupLimits } from "./pod_limits.ts";

type Amounts = Record<string, string>;

function limitsOf(containers: { requests?: Amounts; limits?: Amounts }[], spec: object = {}) {
  const list = containers.map((resources, i) => ({ name: `c${i}`, image: "a", resources }));
  return podCgroupLimits({
    metadata: { uid: "u" },
    spec: { containers: list, ...spec },
    status: {},
  } as unknown as Pod);
}

Deno.test("shares and quota are the kubelet's, within what the kernel takes", () => {
  assert.deepEqual([0, 1, 2, 100, 1000, 1500].map(cpuSharesOf), [2, 2, 2, 102, 1024, 1536]);
  assert.equal(cpuSharesOf(10_000_000), 262_144);
  assert.deepEqual([undefined, 0, 1, 10, 15, 1000].map(cpuQuotaUsOf), [
    ...[undefined, undefined, 1_000, 1_000, 1_500, 100_000],
  ]);
});

Deno.test("a pod has what its containers have together, if each is limited", () => {
  const half = { cpu: "500m", memory: "64Mi" };
  assert.deepEqual(limitsOf([{}]), { cpuShares: 2 });
  assert.deepEqual(limitsOf([{ requests: half, limits: half }, { requests: half, limits: half }]), {
    cpuShares: 1024,
    cpuQuotaUs: 100_000,
    memoryBytes: 128 * 1024 * 1024,
  });
  assert.deepEqual(limitsOf([{ requests: half, limits: half }, { requests: half }]), {
    cpuShares: 1024,
  });
  assert.deepEqual(limitsOf([{ requests: half, limits: { memory: "64Mi", cpu: "0" } }]), {
    cpuShares: 512,
    memoryBytes: 64 * 1024 * 1024,
  });
});

Deno.test("what is limited for the whole pod bounds it, whatever its containers say", () => {
  assert.deepEqual(
    limitsOf([{}, {}], {
      resources: { requests: { cpu: "250m" }, limits: { cpu: "1", memory: "1Gi" } },
    }),
    { cpuShares: 256, cpuQuotaUs: 100_000, memoryBytes: 1024 ** 3 },
  );
});

Deno.test("limits are written as each version of the kernel's interface wants them, and taken back", () => {
  const written = (version: 1 | 2, limits: Parameters<typeof cgroupSettings>[1]) =>
    Object.fromEntries(cgroupSettings(version, limits).map(({ file, value }) => [file, value]));
  assert.deepEqual(
    written(1, { cpuShares: 1024, cpuQuotaUs: 50_000, memoryBytes: 7, pidsMax: 9 }),
    {
      "cpu.shares": "1024",
      "cpu.cfs_period_us": "100000",
      "cpu.cfs_quota_us": "50000",
      "memory.limit_in_bytes": "7",
      "pids.max": "9",
    },
  );
  assert.deepEqual(written(1, { cpuShares: 2 }), {
    "cpu.shares": "2",
    "cpu.cfs_period_us": "100000",
    "cpu.cfs_quota_us": "-1",
    "memory.limit_in_bytes": "-1",
    "pids.max": "max",
  });
  assert.deepEqual(
    written(2, { cpuShares: 1024, cpuQuotaUs: 50_000, memoryBytes: 7, pidsMax: 9 }),
    {
      "cpu.weight": "39",
      "cpu.max": "50000 100000",
      "memory.max": "7",
      "pids.max": "9",
    },
  );
  assert.deepEqual(written(2, { cpuShares: 262_144 }), {
    "cpu.weight": "10000",
    "cpu.max": "max 100000",
    "memory.max": "max",
    "pids.max": "max",
  });
  assert.equal(written(2, { cpuShares: 2 })["cpu.weight"], "1");
});
