import type { Draft } from "../../client/client.ts";
import type { ApiService } from "../../resources/apiregistration/api_services.ts";
import type { AnyResource } from "../../resources/resource.ts";

/** Whose APIServices come and go with what is served: `onstart` for what is built in, `true` for what users define. */
export const MANAGED_LABEL = "kube-aggregator.kubernetes.io/automanaged";

export type WantedApiService = Draft<ApiService>;

/** Of each built-in group; k8s.io/kubernetes/pkg/controlplane/apiserver/aggregator.go. */
const GROUP_PRIORITIES: Readonly<Record<string, number>> = {
  "": 18000,
  "apps": 17800,
  "events.k8s.io": 17750,
  "authentication.k8s.io": 17700,
  "authorization.k8s.io": 17600,
  "autoscaling": 17500,
  "batch": 17400,
  "certificates.k8s.io": 17300,
  "networking.k8s.io": 17200,
  "policy": 17100,
  "rbac.authorization.k8s.io": 17000,
  "storage.k8s.io": 16800,
  "admissionregistration.k8s.io": 16700,
  "apiextensions.k8s.io": 16700,
  "scheduling.k8s.io": 16600,
  "coordination.k8s.io": 16500,
  "node.k8s.io": 16300,
  "discovery.k8s.io": 16200,
  "flowcontrol.apiserver.k8s.io": 16100,
  "metrics.k8s.io": 100, // as metrics-server registers it
};
const VERSION_PRIORITIES: Readonly<Record<string, number>> = {
  "v1": 1,
  "v2.autoscaling": 30,
  "v1.flowcontrol.apiserver.k8s.io": 21,
  "v1beta1.metrics.k8s.io": 100,
};
const VERSION_PRIORITY = 15;
/** Of groups that users define. */
const DEFINED = { groupPriorityMinimum: 1000, versionPriority: 100 };

/** What is asked there is kept nowhere, so these groups have no kinds. */
const REVIEWS = ["authentication.k8s.io", "authorization.k8s.io"].map((group) => ({
  group,
  version: "v1",
}));

/** The APIServices of what this server serves itself, by name: `v1.apps`. */
export function localApiServices(
  resources: readonly AnyResource[],
): ReadonlyMap<string, WantedApiService> {
  const found = new Map<string, WantedApiService>();
  const versions = resources.flatMap((resource) => [resource, ...resource.servedVersions]);
  for (const { group, version } of [...REVIEWS, ...versions]) {
    const name = `${version}.${group}`;
    if (!found.has(name)) found.set(name, wantedFor(group, version));
  }
  return found;
}

function wantedFor(group: string, version: string): WantedApiService {
  const groupPriorityMinimum = Object.hasOwn(GROUP_PRIORITIES, group)
    ? GROUP_PRIORITIES[group]
    : undefined;
  const isBuiltIn = groupPriorityMinimum !== undefined;
  const name = `${version}.${group}`;
  const key = group ? name : version;
  const versionPriority = VERSION_PRIORITIES[key] ?? VERSION_PRIORITY;
  const priorities = isBuiltIn ? { groupPriorityMinimum, versionPriority } : DEFINED;
  return {
    metadata: { name, labels: { [MANAGED_LABEL]: isBuiltIn ? "onstart" : "true" } },
    spec: { ...(group && { group }), version, ...priorities },
  } as WantedApiService;
}
