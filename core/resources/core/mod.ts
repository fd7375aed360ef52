import type { AnyResource } from "../resource.ts";
import { componentStatuses } from "./component_statuses.ts";
import { configMaps } from "./config_maps.ts";
import { endpoints } from "./endpoints.ts";
import { namespaces } from "./namespaces.ts";
import { nodes } from "./nodes/nodes.ts";
import { podTemplates } from "./pod_templates.ts";
import { bindings } from "./pods/bindings.ts";
import { persistentVolumeClaims } from "./persistent_volumes/persistent_volume_claims.ts";
import { persistentVolumes } from "./persistent_volumes/persistent_volumes.ts";
import { pods } from "./pods/pods.ts";
import { limitRanges } from "./quotas/limit_ranges.ts";
import { resourceQuotas } from "./quotas/resource_quotas.ts";
import { replicationControllers } from "./replication_controllers.ts";
import { secrets } from "./secrets.ts";
import { serviceAccounts } from "./service_accounts.ts";
import { services } from "./services/services.ts";

/** The kinds of `v1`. */
export const CORE_KINDS: readonly AnyResource[] = [
  bindings,
  componentStatuses,
  configMaps,
  endpoints,
  limitRanges,
  namespaces,
  nodes,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  podTemplates,
  replicationControllers,
  resourceQuotas,
  secrets,
  serviceAccounts,
  services,
];
