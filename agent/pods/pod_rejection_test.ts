import assert from "node:assert/strict";
import { NodeUnderTest } from "../agent_fixture.ts";
import { podOf } from "./next_step_fixture.ts";
import { type NodeFeatures, rejectionOf } from "./pod_rejection.ts";

const PLAIN: NodeFeatures = {
  operatingSystem: "linux",
  hasAppArmor: false,
  allowedUnsafeSysctls: ["kernel.msg*"],
  memoryBytes: 0,
  oomScoreAdjMin: -1000,
};

function rejected(spec: object, features: Partial<NodeFeatures> = {}, status: object = {}) {
  const pod = podOf({ spec: { securityContext: {}, ...spec }, status });
  return rejectionOf(pod, { ...PLAIN, ...features });
}

const profile = (type: string) => ({ appArmorProfile: { type } });
const container = (securityContext: object) => [{ name: "main", image: "a", securityContext }];
const sysctl = (name: string) => ({ securityContext: { sysctls: [{ name, value: "1" }] } });

Deno.test("a node says in the kubelet's words what it does not run", () => {
  const table: [object, string, string][] = [
    [
      { os: { name: "windows" } },
      "PodOSNotSupported",
      "Failed to admit pod as the OS field doesn't match node OS",
    ],
    [
      sysctl("kernel.shmmax"),
      "SysctlForbidden",
      'forbidden sysctl: "kernel.shmmax" not allowlisted',
    ],
    [
      { securityContext: profile("RuntimeDefault") },
      "AppArmor",
      "Cannot enforce AppArmor: AppArmor is not enabled on the host",
    ],
    [
      { containers: container(profile("Localhost")) },
      "AppArmor",
      "Cannot enforce AppArmor: AppArmor is not enabled on the host",
    ],
    [
      { initContainers: container(profile("RuntimeDefault")) },
      "AppArmor",
      "Cannot enforce AppArmor: AppArmor is not enabled on the host",
    ],
  ];
  for (const [spec, reason, message] of table) {
    assert.deepEqual(rejected(spec), { reason, message });
  }
});

Deno.test("a node runs what it can, and what runs already", () => {
  assert.equal(rejected({}), undefined);
  assert.equal(rejected({ os: { name: "linux" } }), undefined);
  assert.equal(rejected(sysctl("kernel.msgmax")), undefined);
  assert.equal(rejected({ securityContext: profile("Unconfined") }), undefined);
  assert.equal(
    rejected({ securityContext: profile("RuntimeDefault") }, { hasAppArmor: true }),
    undefined,
  );
  const started = { startTime: "2026-01-01T00:00:00Z" };
  assert.equal(rejected({ os: { name: "windows" } }, {}, started), undefined);
});

Deno.test("a pod that its node rejects fails, is never started, and an event says why, once", async () => {
  await using node = await NodeUnderTest.start();
  await node.create({ name: "p", spec: sysctl("kernel.shmmax") });
  await node.until(() => node.pod("p")?.status.phase === "Failed");
  const { status } = node.pod("p")!;
  const message = 'forbidden sysctl: "kernel.shmmax" not allowlisted';
  assert.equal(status.reason, "SysctlForbidden");
  assert.equal(status.message, `Pod was rejected: ${message}`);
  assert.equal(status.containerStatuses, undefined);
  await node.until(() => node.pod("p")?.status.phase === "Failed");
  assert.deepEqual(node.runtime.containers, []);
  const events = node.notices.map(({ type, reason, message }) => [type, reason, message]);
  assert.deepEqual(events.filter(([type]) => type === "Warning"), [
    ["Warning", "SysctlForbidden", message],
  ]);
});
