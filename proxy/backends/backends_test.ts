import assert from "node:assert/strict";
import type { Backend } from "../../core/traffic/backends.ts";
import { Backends } from "./backends.ts";

function backend(more: object): Backend {
  const endpoint = { address: "10.42.1.2", port: 80, podUid: "u", ...more };
  return { name: "default/web:80", state: "valid", endpoints: [endpoint] };
}

Deno.test("an endpoint that is reached by another way is the same one, and is dialled the new way", () => {
  const backends = new Backends(() => {});
  const far = { node: "edge" };
  const [direct] = backends.build([backend({})]).live;
  const { live: [tunnelled], removed } = backends.build([backend({ far })]);
  assert.equal(tunnelled!.endpoints[0], direct!.endpoints[0]);
  assert.deepEqual(tunnelled!.endpoints[0]!.endpoint.far, far);
  assert.deepEqual(removed, []);
  const { live: [again] } = backends.build([backend({})]);
  assert.equal(again!.endpoints[0]!.endpoint.far, undefined);
});
