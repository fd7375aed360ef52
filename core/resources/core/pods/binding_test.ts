import assert from "node:assert/strict";
import type { SubresourceDecision } from "../../subresource.ts";
import { made } from "../../resource_fixture.ts";
import { binding, bindingTo } from "./binding.ts";
import { type Pod, pods } from "./pods.ts";

const NOW_MS = Date.parse("2026-01-02T00:00:00Z");
const POD = made(pods, { spec: { containers: [{ name: "web", image: "web" }] } }).object;
const TO_N1 = bindingTo("n1");
const TARGET = "target.name: Required value";
const KIND = 'target.kind: Unsupported value: "Pod": supported values: "Node", "<empty>"';

/** What a pod is, what is sent, and why it is refused. */
const REFUSED: [
  string,
  Partial<Pod["metadata"]>,
  Partial<Pod["spec"]>,
  object,
  string | string[],
][] = [
  ["without a target", {}, {}, {}, [TARGET]],
  ["with a target that is none", {}, {}, { target: "n1" }, [TARGET]],
  ["to a node without a name", {}, {}, { target: { name: "" } }, [TARGET]],
  ["to a node whose name is no text", {}, {}, { target: { name: 1 } }, [TARGET]],
  ["to what is no node", {}, {}, { target: { kind: "Pod", name: "n1" } }, [KIND]],
  ["to what is no node and has no name", {}, {}, { target: { kind: "Pod" } }, [KIND, TARGET]],
  [
    "of another pod of its name",
    {},
    {},
    { ...TO_N1, metadata: { uid: "other" } },
    "Precondition failed: UID in precondition: other, UID in object meta: u-1",
  ],
  [
    "that is being deleted",
    { deletionTimestamp: "2026-01-01T00:00:00Z" },
    {},
    TO_N1,
    "pod web is being deleted, cannot be assigned to a host",
  ],
  [
    "that has a node",
    {},
    { nodeName: "n0" },
    TO_N1,
    'pod web is already assigned to node "n0"',
  ],
];

for (const [name, metadata, spec, sent, why] of REFUSED) {
  Deno.test(`a binding of a pod ${name} is refused`, () => {
    const pod = {
      ...POD,
      metadata: { ...POD.metadata, ...metadata },
      spec: { ...POD.spec, ...spec },
    };
    const decision = decide(pod, sent);
    if (typeof why === "string") return assert.deepEqual(decision, { conflict: why });
    assert.ok("causes" in decision);
    assert.deepEqual(decision.causes.map(({ field, message }) => `${field}: ${message}`), why);
  });
}

Deno.test("a binding puts the pod on its node, and changes nothing else but the condition that says so", () => {
  const old = { type: "PodScheduled", status: "False", reason: "Unschedulable" } as const;
  const other = { type: "Ready", status: "False" } as const;
  const waiting = { ...POD, status: { ...POD.status, conditions: [other, old] } };
  for (const sent of [TO_N1, { target: { name: "n1" }, metadata: { uid: "u-1" } }]) {
    const conditions = [other, {
      type: "PodScheduled",
      status: "True",
      lastTransitionTime: "2026-01-02T00:00:00Z",
    }];
    assert.deepEqual(decide(waiting, sent), {
      next: {
        ...POD,
        spec: { ...POD.spec, nodeName: "n1" },
        status: { ...POD.status, conditions },
      },
    });
  }
});

function decide(pod: Pod, sent: object): SubresourceDecision<unknown> {
  return binding.decide!(pod, { ...sent }, NOW_MS);
}
