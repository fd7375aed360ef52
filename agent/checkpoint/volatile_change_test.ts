import assert from "node:assert/strict";
import type { KubeObject } from "../../core/resources/resource.ts";
import { isVolatileChange } from "./volatile_change.ts";

const NODE = {
  apiVersion: "v1",
  kind: "Node",
  metadata: { name: "n", uid: "u", resourceVersion: "1" },
  spec: { podCIDR: "10.0.0.0/24" },
  status: { conditions: [{ type: "Ready", status: "True", lastHeartbeatTime: "a" }] },
};
const READY = NODE.status.conditions[0];
const MAP = {
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: NODE.metadata,
  data: { renewTime: "a" },
};

const CASES: [name: string, before: object, after: object, isVolatile: boolean][] = [
  ["nothing", NODE, structuredClone(NODE), true],
  ["its version", NODE, { ...NODE, metadata: { ...NODE.metadata, resourceVersion: "2" } }, true],
  ["managers", NODE, { ...NODE, metadata: { ...NODE.metadata, managedFields: [{}] } }, true],
  ["a heartbeat", NODE, withReady({ lastHeartbeatTime: "b" }), true],
  ["the status of a condition", NODE, withReady({ status: "Unknown" }), false],
  ["one more condition", NODE, { ...NODE, status: { conditions: [READY, READY] } }, false],
  ["an annotation", NODE, { ...NODE, metadata: { ...NODE.metadata, annotations: {} } }, false],
  [
    "another object of its name",
    NODE,
    { ...NODE, metadata: { ...NODE.metadata, uid: "v" } },
    false,
  ],
  ["its spec", NODE, { ...NODE, spec: { podCIDR: "10.0.1.0/24" } }, false],
  ["a field that is gone", NODE, { ...NODE, spec: {} }, false],
  ["what users call as such a time", MAP, { ...MAP, data: { renewTime: "b" } }, false],
];

for (const [name, before, after, expected] of CASES) {
  Deno.test(`a change of ${name} is ${expected ? "" : "not "}volatile`, () => {
    assert.equal(isVolatileChange(before as KubeObject, after as KubeObject), expected);
    assert.equal(isVolatileChange(after as KubeObject, before as KubeObject), expected);
  });
}

function withReady(change: object): object {
  return { ...NODE, status: { conditions: [{ ...READY, ...change }] } };
}
