import { isEqual } from "../lib/equality.ts";
import {
  DEFAULT_FLOW_SCHEMAS,
  type DefaultFlowSchema,
} from "../resources/flowcontrol/default_flow_schemas.ts";
import {
  AUTOUPDATE_SPEC,
  DEFAULT_PRIORITY_LEVELS,
  type DefaultPriorityLevel,
} from "../resources/flowcontrol/default_priority_levels.ts";
import { flowSchemas } from "../resources/flowcontrol/flow_schemas.ts";
import { priorityLevelConfigurations } from "../resources/flowcontrol/priority_level_configurations.ts";
import type { AnyResource, KubeObject } from "../resources/resource.ts";
import { ensure } from "./ensure.ts";
import type { Objects } from "./objects.ts";

/**
 * Creates the flow schemas and priority levels of every cluster, and brings those up to date whose annotation does not
 * forbid it.
 */
export async function ensureDefaultFlows(objects: Objects): Promise<void> {
  await Promise.all([
    ...DEFAULT_PRIORITY_LEVELS.map((level) =>
      keepCurrent(objects, priorityLevelConfigurations, level)
    ),
    ...DEFAULT_FLOW_SCHEMAS.map((schema) => keepCurrent(objects, flowSchemas, schema)),
  ]);
}

async function keepCurrent(
  objects: Objects,
  resource: AnyResource,
  wanted: DefaultFlowSchema | DefaultPriorityLevel,
): Promise<void> {
  const existing = await ensure(objects, resource, wanted);
  if (!existing || isEqual((existing as WithSpec).spec, wanted.spec)) return;
  if (existing.metadata.annotations?.[AUTOUPDATE_SPEC] !== "true") return;
  if (wanted.metadata.name === "exempt") return; // what may be changed of it may stay
  await objects.change(
    resource,
    wanted.metadata,
    (current) => ({ ...current, spec: wanted.spec }),
    { isOwn: true },
  );
}

interface WithSpec extends KubeObject {
  spec: unknown;
}
