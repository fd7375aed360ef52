import type { AnyResource } from "../resource.ts";
import { flowSchemas } from "./flow_schemas.ts";
import { priorityLevelConfigurations } from "./priority_level_configurations.ts";

/** The kinds of `flowcontrol.apiserver.k8s.io/v1`. */
export const FLOWCONTROL_KINDS: readonly AnyResource[] = [flowSchemas, priorityLevelConfigurations];
