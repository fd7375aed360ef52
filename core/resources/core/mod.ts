import type { AnyResource } from "../resource.ts";
import { configMaps } from "./config_maps.ts";
import { namespaces } from "./namespaces.ts";
import { nodes } from "./nodes/nodes.ts";
import { pods } from "./pods/pods.ts";
import { limitRanges } from "./quotas/limit_ranges.ts";
import { resourceQuotas } from "./quotas/resource_quotas.ts";
import { secrets } from "./secrets.ts";
import { serviceAccounts } from "./service_accounts.ts";
import { services } from "./services/services.ts";

/** The kinds of `v1`. */
export const CORE_KINDS: readonly AnyResource[] = [
  configMaps,
  limitRanges,
  namespaces,
  nodes,
  pods,
  resourceQuotas,
  secrets,
  serviceAccounts,
  services,
];
