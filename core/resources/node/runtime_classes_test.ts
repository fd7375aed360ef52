import assert from "node:assert/strict";
import { made, rowOf } from "../resource_fixture.ts";
import { runtimeClasses } from "./runtime_classes.ts";

Deno.test("a RuntimeClass is refused for a handler that is no name, and for amounts and tolerations that are none", () => {
  const toleration = { key: "a", operator: "Exists" };
  const { causes } = made(runtimeClasses, {
    handler: "Gvisor",
    overhead: { podFixed: { cpu: "-1", rooms: "2" } },
    scheduling: { nodeSelector: { "a b": "c" }, tolerations: [toleration, toleration] },
  });
  assert.deepEqual(causes.map((cause) => cause.slice(0, 66)), [
    'handler: Invalid value: "Gvisor": a lowercase RFC 1123 label must ',
    'overhead.limits[cpu]: Invalid value: "-1": must be greater than or',
    'overhead.limits[rooms]: Invalid value: "rooms": must be a standard',
    'overhead.limits[rooms]: Invalid value: "rooms": must be a standard',
    'scheduling.nodeSelector: Invalid value: "a b": name part must cons',
    'scheduling.tolerations[1]: Duplicate value: {"key":"a","operator":',
  ]);
});

Deno.test("the handler of a RuntimeClass stays", () => {
  const { object } = made(runtimeClasses, { handler: "runc" });
  assert.deepEqual(rowOf(runtimeClasses, object), { Name: "web", Handler: "runc", Age: "5m" });
  assert.deepEqual(made(runtimeClasses, { handler: "kata" }, object).causes, [
    'handler: Invalid value: "kata": field is immutable',
  ]);
});

Deno.test("a RuntimeClass without handler is refused", () => {
  const { causes } = made(runtimeClasses, {});
  assert.equal(causes.length, 1);
  assert.match(causes[0]!, /^handler: Invalid value: "": a lowercase RFC 1123 label/);
});
