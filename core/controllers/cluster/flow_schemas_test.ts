import assert from "node:assert/strict";
import { DEFAULT_FLOW_SCHEMAS } from "../../resources/flowcontrol/default_flow_schemas.ts";
import { flowSchemas } from "../../resources/flowcontrol/flow_schemas.ts";
import { priorityLevelConfigurations } from "../../resources/flowcontrol/priority_level_configurations.ts";
import { TestCluster } from "../test_cluster.ts";
import { flowSchemaController } from "./flow_schemas.ts";

Deno.test("a FlowSchema says whether its priority level is there", () => {
  const cluster = new TestCluster();
  const settle = () => cluster.settle([flowSchemaController]);
  const dangling = () =>
    cluster.get(flowSchemas, { name: "f" })!.status.conditions?.map((
      { status, reason, message },
    ) => [
      ...[status, reason, message],
    ]);
  const what = 'This FlowSchema references the PriorityLevelConfiguration object named "own"';
  cluster.put(flowSchemas, {
    metadata: { name: "f" },
    spec: { priorityLevelConfiguration: { name: "own" } },
  });
  settle();
  assert.deepEqual(dangling(), [["True", "NotFound", `${what} but there is no such object`]]);
  cluster.put(priorityLevelConfigurations, {
    metadata: { name: "own" },
    spec: { type: "Limited", limited: { limitResponse: { type: "Reject" } } },
  });
  settle();
  assert.deepEqual(dangling(), [["False", "Found", `${what} and it exists`]]);
  cluster.take(priorityLevelConfigurations, { name: "own" });
  settle();
  assert.equal(dangling()![0]![0], "True");
});

Deno.test("flow schemas and levels of every cluster come back", () => {
  const cluster = new TestCluster();
  for (const schema of DEFAULT_FLOW_SCHEMAS) cluster.put(flowSchemas, schema as never);
  const settle = () => cluster.settle([flowSchemaController]);
  settle();
  assert.equal(cluster.list(priorityLevelConfigurations).length, 8);
  cluster.take(flowSchemas, { name: "probes" });
  cluster.take(priorityLevelConfigurations, { name: "system" });
  settle();
  assert.equal(cluster.list(flowSchemas).length, DEFAULT_FLOW_SCHEMAS.length);
  assert.equal(cluster.list(priorityLevelConfigurations).length, 8);
});
