import assert from "node:assert/strict";
import { UNSCHEDULABLE } from "../../controllers/nodes/taints.ts";
import { refusal } from "../plugin.ts";
import { nodeUnschedulable } from "./node_unschedulable.ts";
import { nodeOf, NodeUnderTest, podOf } from "./plugin_fixture.ts";

Deno.test("a cordoned node refuses pods that do not tolerate it", () => {
  const cordoned = new NodeUnderTest(nodeUnschedulable, nodeOf({ spec: { unschedulable: true } }));
  const open = new NodeUnderTest(nodeUnschedulable, nodeOf());
  const refused = refusal("node(s) were unschedulable");
  const [other, tolerant] = [{ key: "other", operator: "Exists" }, {
    key: UNSCHEDULABLE,
    operator: "Exists",
  }];
  assert.deepEqual(cordoned.refusal(podOf()), refused);
  assert.deepEqual(cordoned.refusal(podOf({ tolerations: [other] })), refused);
  assert.equal(cordoned.refusal(podOf({ tolerations: [other, tolerant] })), "no opinion");
  assert.equal(open.refusal(podOf()), undefined);
});
