import assert from "node:assert/strict";
import type { Pod } from "../../core/resources/core/pods/pods.ts";
import { startRefusalOf } from "./start_refusal.ts";

function refusalOf(spec: object): string {
  const container = { name: "main", image: "a" };
  return startRefusalOf({ spec: { containers: [container], ...spec } } as unknown as Pod) ?? "";
}

Deno.test("a pod does not start without what its containers may need", () => {
  const table: [object, RegExp][] = [
    [{ runtimeClassName: "gvisor" }, /RuntimeClass "gvisor" is not implemented/],
    [{ resourceClaims: [{ name: "gpu" }] }, /spec\.resourceClaims are not implemented/],
  ];
  for (const [spec, message] of table) assert.match(refusalOf(spec), message);
});
