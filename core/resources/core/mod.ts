import type { AnyResource } from "../resource.ts";
import { configMaps } from "./config_maps.ts";
import { namespaces } from "./namespaces.ts";
import { nodes } from "./nodes/nodes.ts";
import { pods } from "./pods/pods.ts";
import { secrets } from "./secrets.ts";
import { services } from "./services/services.ts";

/** The kinds of `v1`. */
export const CORE_KINDS: readonly AnyResource[] = [
  configMaps,
  namespaces,
  nodes,
  pods,
  secrets,
  services,
];
