import { ADMISSIONREGISTRATION_KINDS } from "./admissionregistration/mod.ts";
import { APIREGISTRATION_KINDS } from "./apiregistration/mod.ts";
import { APIEXTENSIONS_KINDS } from "./apiextensions/mod.ts";
import { APPS_KINDS } from "./apps/mod.ts";
import { ARGOPROJ_KINDS } from "./argoproj/mod.ts";
import { AUTOSCALING_KINDS } from "./autoscaling/mod.ts";
import { BATCH_KINDS } from "./batch/mod.ts";
import { CERTIFICATES_KINDS } from "./certificates/mod.ts";
import { COORDINATION_KINDS } from "./coordination/mod.ts";
import { CORE_KINDS } from "./core/mod.ts";
import { DISCOVERY_KINDS } from "./discovery/mod.ts";
import { EVENTS_KINDS } from "./events/mod.ts";
import { FLOWCONTROL_KINDS } from "./flowcontrol/mod.ts";
import { GATEWAY_KINDS } from "./gateway/mod.ts";
import { METRICS_KINDS } from "./metrics/mod.ts";
import { NETWORKING_KINDS } from "./networking/mod.ts";
import { NODE_KINDS } from "./node/mod.ts";
import { POLICY_KINDS } from "./policy/mod.ts";
import { RBAC_KINDS } from "./rbac/mod.ts";
import type { AnyResource } from "./resource.ts";
import { SCHEDULING_KINDS } from "./scheduling/mod.ts";
import { STORAGE_KINDS } from "./storage/mod.ts";

/** Every kind that is built in. A new kind is one file and one line in the list of its group. */
export const RESOURCES: readonly AnyResource[] = [
  ...ADMISSIONREGISTRATION_KINDS,
  ...APIREGISTRATION_KINDS,
  ...APIEXTENSIONS_KINDS,
  ...APPS_KINDS,
  ...ARGOPROJ_KINDS,
  ...AUTOSCALING_KINDS,
  ...BATCH_KINDS,
  ...CERTIFICATES_KINDS,
  ...COORDINATION_KINDS,
  ...CORE_KINDS,
  ...DISCOVERY_KINDS,
  ...EVENTS_KINDS,
  ...FLOWCONTROL_KINDS,
  ...GATEWAY_KINDS,
  ...METRICS_KINDS,
  ...NETWORKING_KINDS,
  ...NODE_KINDS,
  ...POLICY_KINDS,
  ...RBAC_KINDS,
  ...SCHEDULING_KINDS,
  ...STORAGE_KINDS,
];
