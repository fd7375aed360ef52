import assert from "node:assert/strict";
import { RESOURCES } from "./mod.ts";
import type { Schema } from "../schema/schema.ts";

/**
 * How lists are merged, as Kubernetes' Go types say it (`patchMergeKey`, `patchStrategy`, `listMapKey` of
 * k8s.io/api): `path: list type by keys, strategy by merge key`. Lists that are replaced are not here.
 * Metadata is left out, and a pod's spec is written once, for pods and templates alike.
 */
const MERGED = `
  HorizontalPodAutoscaler.status.conditions: map by type, merge by type
  ComponentStatus.conditions: map by type, merge by type
  PodDisruptionBudget.spec.selector: replace
  PodDisruptionBudget.status.conditions: map by type, merge by type
  ReplicationController.status.conditions: map by type, merge by type
  CSIDriver.spec.volumeLifecycleModes: set
  CSINode.spec.drivers: map by name, merge by name
  Job.spec.podFailurePolicy.rules[].onExitCodes.values: set
  CronJob.spec.jobTemplate.spec.podFailurePolicy.rules[].onExitCodes.values: set
  Job.status.conditions: merge by type
  Job.status.uncountedTerminatedPods.succeeded: set
  Job.status.uncountedTerminatedPods.failed: set
  DaemonSet.status.conditions: map by type, merge by type
  Deployment.spec.strategy: retainKeys
  Deployment.status.conditions: map by type, merge by type
  EndpointSlice.endpoints[].addresses: set
  GatewayClass.status.conditions: map by type
  GatewayClass.status.supportedFeatures: map by name
  FlowSchema.spec.rules[].nonResourceRules[].nonResourceURLs: set
  FlowSchema.spec.rules[].nonResourceRules[].verbs: set
  FlowSchema.spec.rules[].resourceRules[].apiGroups: set
  FlowSchema.spec.rules[].resourceRules[].namespaces: set
  FlowSchema.spec.rules[].resourceRules[].resources: set
  FlowSchema.spec.rules[].resourceRules[].verbs: set
  FlowSchema.status.conditions: map by type, merge by type
  Gateway.spec.listeners: map by name
  Gateway.status.conditions: map by type
  Gateway.status.listeners: map by name
  Gateway.status.listeners[].conditions: map by type
  HTTPRoute.spec.rules[].matches[].headers: map by name
  HTTPRoute.spec.rules[].matches[].queryParams: map by name
  HTTPRoute.spec.rules[].filters[].requestHeaderModifier.set: map by name
  HTTPRoute.spec.rules[].filters[].requestHeaderModifier.add: map by name
  HTTPRoute.spec.rules[].filters[].requestHeaderModifier.remove: set
  HTTPRoute.spec.rules[].filters[].responseHeaderModifier.set: map by name
  HTTPRoute.spec.rules[].filters[].responseHeaderModifier.add: map by name
  HTTPRoute.spec.rules[].filters[].responseHeaderModifier.remove: set
  HTTPRoute.spec.rules[].filters[].cors.allowOrigins: set
  HTTPRoute.spec.rules[].filters[].cors.allowMethods: set
  HTTPRoute.spec.rules[].filters[].cors.allowHeaders: set
  HTTPRoute.spec.rules[].filters[].cors.exposeHeaders: set
  HTTPRoute.spec.rules[].backendRefs[].filters[].requestHeaderModifier.set: map by name
  HTTPRoute.spec.rules[].backendRefs[].filters[].requestHeaderModifier.add: map by name
  HTTPRoute.spec.rules[].backendRefs[].filters[].requestHeaderModifier.remove: set
  HTTPRoute.spec.rules[].backendRefs[].filters[].responseHeaderModifier.set: map by name
  HTTPRoute.spec.rules[].backendRefs[].filters[].responseHeaderModifier.add: map by name
  HTTPRoute.spec.rules[].backendRefs[].filters[].responseHeaderModifier.remove: set
  HTTPRoute.spec.rules[].backendRefs[].filters[].cors.allowOrigins: set
  HTTPRoute.spec.rules[].backendRefs[].filters[].cors.allowMethods: set
  HTTPRoute.spec.rules[].backendRefs[].filters[].cors.allowHeaders: set
  HTTPRoute.spec.rules[].backendRefs[].filters[].cors.exposeHeaders: set
  HTTPRoute.status.parents[].conditions: map by type
  Namespace.status.conditions: map by type, merge by type
  Node.spec.podCIDRs: set, merge
  Node.status.conditions: map by type, merge by type
  Node.status.addresses: map by type, merge by type
  PodSpec.volumes: map by name, merge,retainKeys by name
  PodSpec.containers: map by name, merge by name
  PodSpec.containers[].ports: map by containerPort+protocol, merge by containerPort
  PodSpec.containers[].env: map by name, merge by name
  PodSpec.containers[].resources.claims: map by name
  PodSpec.containers[].volumeMounts: map by mountPath, merge by mountPath
  PodSpec.containers[].volumeDevices: map by devicePath, merge by devicePath
  PodSpec.initContainers: map by name, merge by name
  PodSpec.ephemeralContainers: map by name, merge by name
  PodSpec.imagePullSecrets: map by name, merge by name
  PodSpec.hostAliases: map by ip, merge by ip
  PodSpec.topologySpreadConstraints: map by topologyKey+whenUnsatisfiable, merge by topologyKey
  PodSpec.schedulingGates: map by name, merge by name
  PodSpec.resourceClaims: map by name, merge,retainKeys by name
  PodSpec.resources.claims: map by name
  Pod.status.conditions: map by type, merge by type
  Pod.status.hostIPs: merge by ip
  Pod.status.podIPs: map by ip, merge by ip
  Pod.status.resources.claims: map by name
  Pod.status.resourceClaimStatuses: map by name, merge,retainKeys by name
  Pod.status.containerStatuses[].resources.claims: map by name
  Pod.status.containerStatuses[].volumeMounts: map by mountPath, merge by mountPath
  Pod.status.containerStatuses[].allocatedResourcesStatus: map by name, merge by name
  Pod.status.containerStatuses[].allocatedResourcesStatus[].resources: map by resourceID
  APIService.status.conditions: map by type, merge by type
  MutatingWebhookConfiguration.webhooks: map by name, merge by name
  MutatingWebhookConfiguration.webhooks[].matchConditions: map by name, merge by name
  PriorityLevelConfiguration.status.conditions: map by type, merge by type
  ReplicaSet.status.conditions: map by type, merge by type
  Service.spec.ports: map by port+protocol, merge by port
  Service.status.conditions: map by type, merge by type
  ServiceCIDR.status.conditions: map by type, merge by type
  ValidatingWebhookConfiguration.webhooks: map by name, merge by name
  ValidatingWebhookConfiguration.webhooks[].matchConditions: map by name, merge by name
  StatefulSet.spec.volumeClaimTemplates[].status.conditions: map by type, merge by type
  StatefulSet.status.conditions: map by type, merge by type
  ServiceAccount.secrets: map by name, merge by name
`;

Deno.test("lists are merged by the keys and strategies of Kubernetes", () => {
  const found = new Set<string>();
  for (const { kind, schema } of RESOURCES) {
    for (const [name, field] of Object.entries(schema.properties!)) {
      if (name !== "metadata") collect(field, `${kind}.${name}`, found);
    }
  }
  assert.deepEqual([...found].toSorted(), MERGED.trim().split(/\n\s+/).toSorted());
});

function collect(schema: Schema, path: string, found: Set<string>): void {
  const merged = mergedAs(schema);
  if (merged) found.add(`${nameOf(path)}: ${merged}`);
  if (schema.items) collect(schema.items, `${path}[]`, found);
  for (const [name, field] of Object.entries(schema.properties ?? {})) {
    if (isCheckedElsewhere(path)) continue;
    collect(field, `${path}.${name}`, found);
  }
}

function mergedAs(schema: Schema): string {
  const { "x-kubernetes-list-type": type, "x-kubernetes-list-map-keys": keys } = schema;
  const { "x-kubernetes-patch-strategy": strategy, "x-kubernetes-patch-merge-key": key } = schema;
  const list = type === "map" ? `map by ${keys!.join("+")}` : type === "set" ? "set" : "";
  const patch = strategy ? key ? `${strategy} by ${key}` : strategy : "";
  return [list, patch].filter(Boolean).join(", ");
}

function nameOf(path: string): string {
  return path.replace(
    /^Pod\.spec\b|^\w+(\.spec)?(\.jobTemplate\.spec)?\.template\.spec\b/,
    "PodSpec",
  );
}

/** The contents are the same as elsewhere, or not the kind's own. */
function isCheckedElsewhere(path: string): boolean {
  return /\.(initContainers|ephemeralContainers|initContainerStatuses|ephemeralContainerStatuses)\[\]$/
    .test(path) || /\.metadata$/.test(path);
}
