import type { ObjectName, View } from "../../client/client.ts";
import { DEFAULT_FLOW_SCHEMAS } from "../../resources/flowcontrol/default_flow_schemas.ts";
import { DEFAULT_PRIORITY_LEVELS } from "../../resources/flowcontrol/default_priority_levels.ts";
import {
  type FlowSchema,
  type FlowSchemaCondition,
  flowSchemas,
} from "../../resources/flowcontrol/flow_schemas.ts";
import { priorityLevelConfigurations } from "../../resources/flowcontrol/priority_level_configurations.ts";
import { withCondition } from "../../resources/conditions.ts";
import type { KubeObject } from "../../resources/resource.ts";
import {
  type Controller,
  create,
  NOTHING,
  type Plan,
  plan,
  updateStatus,
  type Write,
} from "../runtime/controller.ts";

/**
 * Says in the status of each FlowSchema whether its priority level exists, and makes the ones of every cluster anew
 * that are deleted.
 *
 * Kubernetes: `pkg/util/flowcontrol` of k8s.io/apiserver.
 */
export const flowSchemaController: Controller<FlowSchema> = {
  name: "flowcontrol-controller",
  resource: flowSchemas,
  watches: [{ resource: priorityLevelConfigurations, concerns: thoseThatName }],
  workers: 1,
  reconcile,
  gone: ({ name }, view) => {
    const fixed = DEFAULT_FLOW_SCHEMAS.find(({ metadata }) => metadata.name === name);
    return plan([
      ...(fixed ? [create(flowSchemas, fixed as never)] : []),
      ...levelMissing(fixed?.spec.priorityLevelConfiguration.name, view),
    ]);
  },
};

function thoseThatName({ metadata: { name } }: KubeObject, view: View): ObjectName[] {
  return view.list(flowSchemas)
    .filter(({ spec }) => spec.priorityLevelConfiguration.name === name)
    .map(({ metadata }) => ({ name: metadata.name }));
}

function reconcile(schema: FlowSchema, view: View, nowMs: number): Plan {
  const { name = "" } = schema.spec.priorityLevelConfiguration;
  const isThere = view.get(priorityLevelConfigurations, { name }) !== undefined;
  const what = `This FlowSchema references the PriorityLevelConfiguration object named ${
    JSON.stringify(name)
  }`;
  const dangling: FlowSchemaCondition = isThere
    ? { type: "Dangling", status: "False", reason: "Found", message: `${what} and it exists` }
    : {
      type: "Dangling",
      status: "True",
      reason: "NotFound",
      message: `${what} but there is no such object`,
    };
  const { conditions } = schema.status;
  const next = withCondition(conditions, dangling, nowMs);
  const missing = levelMissing(name, view);
  if (next === conditions) return missing.length === 0 ? NOTHING : plan(missing);
  return plan([
    ...missing,
    updateStatus(flowSchemas, { ...schema, status: { ...schema.status, conditions: next } }),
  ]);
}

/** A level of every cluster that is not there. */
function levelMissing(name: string | undefined, view: View): Write[] {
  const fixed = DEFAULT_PRIORITY_LEVELS.find(({ metadata }) => metadata.name === name);
  if (!fixed || view.get(priorityLevelConfigurations, fixed.metadata)) return [];
  return [create(priorityLevelConfigurations, fixed as never)];
}
