import { type AuthorizerDefinition, AUTHORIZERS } from "../core/api/access/built_in_authorizers.ts";
import { STREAMS } from "../core/api/streams/mod.ts";
import type { StreamDefinition } from "../core/api/streams/stream.ts";
import {
  type ControllerDefinition,
  type ControllerOnDemand,
  CONTROLLERS,
} from "../core/controllers/mod.ts";
import { RESOURCES } from "../core/resources/mod.ts";
import type { AnyResource } from "../core/resources/resource.ts";
import { PLUGINS } from "../core/scheduler/plugins/mod.ts";
import type { Plugin } from "../core/scheduler/plugin.ts";
import { NODE_REGISTRY, type NodeRegistry } from "./node_registry.ts";

/** All that a server knows how to do, in lists: an entry in one of them is all that a new one needs. */
export interface Registry extends NodeRegistry {
  resources: readonly AnyResource[];
  controllers: readonly (ControllerDefinition | ControllerOnDemand)[];
  schedulerPlugins: readonly Plugin[];
  authorizers: readonly AuthorizerDefinition[];
  streams: readonly StreamDefinition[];
}

/** What is built in. */
export const REGISTRY: Registry = {
  ...NODE_REGISTRY,
  resources: RESOURCES,
  controllers: CONTROLLERS,
  schedulerPlugins: PLUGINS,
  authorizers: AUTHORIZERS,
  streams: STREAMS,
};
