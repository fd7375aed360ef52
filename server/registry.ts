import { RUNTIMES } from "../agent/runtimes/mod.ts";
import type { RuntimeType } from "../agent/runtimes/runtime_type.ts";
import { type ControllerDefinition, CONTROLLERS } from "../core/controllers/mod.ts";
import { RESOURCES } from "../core/resources/mod.ts";
import type { AnyResource } from "../core/resources/resource.ts";
import { PLUGINS } from "../core/scheduler/plugins/mod.ts";
import type { Plugin } from "../core/scheduler/plugin.ts";

/** All that a server knows how to do, in lists: an entry in one of them is all that a new one needs. */
export interface Registry {
  resources: readonly AnyResource[];
  controllers: readonly ControllerDefinition[];
  schedulerPlugins: readonly Plugin[];
  runtimes: readonly RuntimeType[];
}

/** What is built in. */
export const REGISTRY: Registry = {
  resources: RESOURCES,
  controllers: CONTROLLERS,
  schedulerPlugins: PLUGINS,
  runtimes: RUNTIMES,
};
