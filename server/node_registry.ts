import { RUNTIMES } from "../agent/runtimes/mod.ts";
import type { RuntimeType } from "../agent/runtimes/runtime_type.ts";
import { VOLUME_TYPES } from "../agent/volumes/types/mod.ts";
import type { VolumeType } from "../agent/volumes/volume_type.ts";
import { denoEngine, type ProxyEngine } from "../proxy/threads/engines.ts";

/** All that a node knows how to do, in lists: an entry in one of them is all that a new one needs. */
export interface NodeRegistry {
  /** The best first: `--runtime auto` takes the first that the machine has. */
  runtimes: readonly RuntimeType[];
  volumeTypes: readonly VolumeType[];
  /** The proxy runs on the first. */
  proxyEngines: readonly ProxyEngine[];
}

/** What is built in. */
export const NODE_REGISTRY: NodeRegistry = {
  runtimes: RUNTIMES,
  volumeTypes: VOLUME_TYPES,
  proxyEngines: [denoEngine],
};
