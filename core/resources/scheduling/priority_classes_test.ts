import assert from "node:assert/strict";
import { made, rowOf } from "../resource_fixture.ts";
import { priorityClasses } from "./priority_classes.ts";

const named = (name: string) => ({ metadata: { name } });
const system = (rest: string) =>
  `metadata.name: Forbidden: priority class names with 'system-' prefix are reserved for system use only. error: ${rest}`;

/** What is created, what is there already, and what is wrong. */
const CASES: [object, object | undefined, string[]][] = [
  [{ value: 1_000_000_000 }, undefined, []],
  [{ value: 1_000_000_001 }, undefined, [
    "value: Forbidden: maximum allowed value of a user defined priority is 1000000000",
  ]],
  [{ value: -5 }, undefined, []],
  [{ value: 1, ...named("system-mine") }, undefined, [
    system("system-mine is not a known system priority class"),
  ]],
  [{ value: 1, ...named("system-node-critical") }, undefined, [
    system("value of system-node-critical PriorityClass must be 2000001000"),
  ]],
  [
    { value: 2_000_000_000, globalDefault: true, ...named("system-cluster-critical") },
    undefined,
    [system("globalDefault of system-cluster-critical PriorityClass must be false")],
  ],
  [{ value: 2_000_000_000, ...named("system-cluster-critical") }, undefined, []],
  [{ value: 1, preemptionPolicy: "Maybe" }, undefined, [
    'preemptionPolicy: Unsupported value: "Maybe": supported values: "PreemptLowerPriority", "Never"',
  ]],
  [{ value: 2, preemptionPolicy: "Never" }, { value: 1 }, [
    "value: Forbidden: may not be changed in an update.",
    'preemptionPolicy: Invalid value: "Never": field is immutable',
  ]],
];

for (const [manifest, before, expected] of CASES) {
  Deno.test(`a PriorityClass ${JSON.stringify(manifest)}${before ? " after another" : ""}`, () => {
    const previous = before && made(priorityClasses, before).object;
    assert.deepEqual(made(priorityClasses, manifest, previous).causes, expected);
  });
}

Deno.test("a PriorityClass has its columns, counts no changes, and stays when the system needs it", () => {
  const { object } = made(priorityClasses, { value: 5 });
  assert.deepEqual(rowOf(priorityClasses, object), {
    Name: "web",
    Value: 5,
    "Global-Default": false,
    Age: "5m",
    PreemptionPolicy: "PreemptLowerPriority",
  });
  assert.equal(priorityClasses.deletionFault?.(object), undefined);
  const critical = { ...object, metadata: { ...object.metadata, name: "system-node-critical" } };
  assert.equal(
    priorityClasses.deletionFault?.(critical),
    "this is a system priority class and cannot be deleted",
  );
});
