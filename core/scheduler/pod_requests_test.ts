import assert from "node:assert/strict";
import type { Pod } from "../resources/core/pods/pods.ts";
import { podRequestsOf } from "./pod_requests.ts";

const MIB = 1024 * 1024;

function container(requests: object, more: object = {}) {
  return { name: "a", image: "a", resources: { requests }, ...more };
}

function podOf(spec: object): Pod {
  return { metadata: { name: "a" }, spec: { containers: [], ...spec } } as unknown as Pod;
}

Deno.test("a pod requests what its containers, its overhead and its largest init container request", () => {
  const sidecar = (cpu: string) => container({ cpu }, { restartPolicy: "Always" });
  const rows: [title: string, spec: object, amounts: object][] = [
    ["nothing", { containers: [container({})] }, {}],
    ["one container", { containers: [container({ cpu: "1500m", memory: "2Ki" })] }, {
      cpu: 1500,
      memory: 2048,
    }],
    ["two containers", { containers: [container({ cpu: "1" }), container({ cpu: "2" })] }, {
      cpu: 3000,
    }],
    [
      "limits where there are no requests",
      {
        containers: [{
          resources: { requests: { cpu: "1" }, limits: { cpu: "2", memory: "5" } },
        }],
      },
      { cpu: 1000, memory: 5 },
    ],
    ["a larger init container", {
      initContainers: [container({ cpu: "3" })],
      containers: [container({ cpu: "2" })],
    }, { cpu: 3000 }],
    ["a smaller init container", {
      initContainers: [container({ cpu: "1", "example.com/gpu": "0" })],
      containers: [container({ cpu: "2" })],
    }, { cpu: 2000, "example.com/gpu": 0 }],
    ["a sidecar", {
      initContainers: [sidecar("1")],
      containers: [container({ cpu: "2" })],
    }, { cpu: 3000 }],
    ["an init container after a sidecar", {
      initContainers: [sidecar("1"), container({ cpu: "3" })],
      containers: [container({ cpu: "2" })],
    }, { cpu: 4000 }],
    ["an init container before a sidecar", {
      initContainers: [container({ cpu: "3" }), sidecar("2")],
      containers: [container({ cpu: "2" })],
    }, { cpu: 4000 }],
    ["an ephemeral container", {
      containers: [container({ cpu: "2" })],
      ephemeralContainers: [container({ cpu: "1" })],
    }, { cpu: 2000 }],
    ["requests of the pod itself", {
      resources: { requests: { cpu: "5" } },
      containers: [container({ cpu: "2", memory: "1" })],
    }, { cpu: 5000, memory: 1 }],
    ["overhead", {
      overhead: { cpu: "100m", memory: "1" },
      containers: [container({ cpu: "2" })],
    }, { cpu: 2100, memory: 1 }],
  ];
  for (const [title, spec, amounts] of rows) {
    assert.deepEqual(Object.fromEntries(podRequestsOf(podOf(spec)).amounts), amounts, title);
  }
});

Deno.test("for comparing nodes, a container without requests counts 100m of CPU and 200 MiB", () => {
  const rows: [containers: object[], cpuMillis: number, memoryBytes: number][] = [
    [[], 0, 0],
    [[container({})], 100, 200 * MIB],
    [[container({}), container({})], 200, 400 * MIB],
    [[container({ cpu: "0" })], 0, 200 * MIB],
    [[container({ cpu: "1", memory: "7" }), container({})], 1100, 7 + 200 * MIB],
  ];
  for (const [containers, cpuMillis, memoryBytes] of rows) {
    const requests = podRequestsOf(podOf({ containers }));
    assert.deepEqual(
      [requests.cpuMillisOrDefault, requests.memoryBytesOrDefault],
      [cpuMillis, memoryBytes],
    );
  }
});

Deno.test("the requests of a pod are computed once", () => {
  const pod = podOf({ containers: [container({ cpu: "1" })] });
  assert.equal(podRequestsOf(pod), podRequestsOf(pod));
});
