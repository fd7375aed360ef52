import { type Loop, loopOf } from "./runtime/controller.ts";
import { type LoopOnDemand, type Need } from "./runtime/loop_on_demand.ts";
import { apiServiceController } from "./api_services/api_services.ts";
import { clusterRoleAggregation } from "./cluster/cluster_role_aggregation.ts";
import { definitionCleanup } from "./apiextensions/definition_cleanup.ts";
import { definitionNames } from "./apiextensions/definition_names.ts";
import { deploymentController } from "./apps/deployments.ts";
import { staleDisruptions } from "./cluster/stale_disruptions.ts";
import { endpointSliceController } from "./services/endpoint_slices.ts";
import { endpointMirrorController } from "./services/endpoint_mirrors.ts";
import { serviceIpAddressController } from "./services/service_ip_addresses.ts";
import { endpointsController } from "./services/endpoints.ts";
import { authorityPublisher, defaultAccountController } from "./cluster/account_defaults.ts";
import { accountTokenSecrets } from "./cluster/account_token_secrets.ts";
import { certificateSigningController } from "./cluster/certificate_signing.ts";
import { expiredTokenController } from "./cluster/expired_tokens.ts";
import { eventExpiry } from "./cluster/event_expiry.ts";
import { evictionController } from "./nodes/evictions.ts";
import { flowSchemaController } from "./cluster/flow_schemas.ts";
import { garbageCollector } from "./cluster/garbage_collection.ts";
import { gatewayClassController, gatewayController } from "./gateway/gateways.ts";
import { ingressController } from "./gateway/ingresses.ts";
import { httpRouteController } from "./gateway/http_routes.ts";
import { loadBalancerController } from "./services/load_balancers.ts";
import { namespaceController } from "./cluster/namespaces.ts";
import { nodeRangeController } from "./nodes/node_ranges.ts";
import { nodeArrivals } from "./nodes/node_arrivals.ts";
import { largeOutageLoop } from "./nodes/large_outages.ts";
import { remoteAddressController } from "./nodes/remote_addresses.ts";
import { nodeController } from "./nodes/nodes.ts";
import {
  finishedPodLimit,
  orphanedPodController,
  outOfServicePodController,
  unscheduledPodController,
} from "./nodes/pod_cleanup.ts";
import { policyTypeChecking } from "./cluster/policy_type_checking.ts";
import { resourceQuotaController } from "./cluster/resource_quotas.ts";
import { replicaSetController } from "./apps/replica_sets.ts";
import { analysisRuns, experiments, rollouts } from "../resources/argoproj/mod.ts";
import { daemonSets } from "../resources/apps/daemon_sets.ts";
import { statefulSets } from "../resources/apps/stateful_sets.ts";
import { horizontalPodAutoscalers } from "../resources/autoscaling/horizontal_pod_autoscalers.ts";
import { cronJobs } from "../resources/batch/cron_jobs.ts";
import { jobs } from "../resources/batch/jobs.ts";
import { persistentVolumeClaims } from "../resources/core/persistent_volumes/persistent_volume_claims.ts";
import { persistentVolumes } from "../resources/core/persistent_volumes/persistent_volumes.ts";
import { type Pod, pods } from "../resources/core/pods/pods.ts";
import { replicationControllers } from "../resources/core/replication_controllers.ts";
import { services } from "../resources/core/services/services.ts";
import { podDisruptionBudgets } from "../resources/policy/pod_disruption_budgets.ts";
import { MANAGED_ALB_ANNOTATIONS, MANAGED_BY } from "../traffic/rollout_sets.ts";
import { SHARED_BY } from "../traffic/service_shares.ts";
import { ingresses } from "../resources/networking/ingresses.ts";
import type { KubeObject } from "../resources/resource.ts";
import { volumeAttributesClasses } from "../resources/storage/volume_attributes_classes.ts";
import { isStepwise } from "./apps/stepwise.ts";
import { deployments } from "../resources/apps/deployments.ts";
import { isTracked } from "./batch/job_pods.ts";
import type {
  ControllerDefinition,
  ControllerOnDemand,
  ControllerOptions,
} from "./controller_options.ts";

export type { ControllerDefinition, ControllerOnDemand, ControllerOptions };

const ANY_CLAIM: Need = { resource: persistentVolumeClaims };
const ANY_VOLUME: Need = { resource: persistentVolumes };

/** Controllers of what many servers have none of: their code is loaded with the first object that needs them. */
export const CONTROLLERS_ON_DEMAND: readonly ControllerOnDemand[] = [
  {
    name: "replication-controller",
    neededBy: [{ resource: replicationControllers }],
    load: async () => {
      const { replicationController } = await import("./apps/replication_controllers.ts");
      return () => loopOf(replicationController);
    },
  },
  {
    name: "job-controller",
    neededBy: [{ resource: jobs }],
    load: async () => {
      const { jobController } = await import("./batch/jobs.ts");
      return () => loopOf(jobController);
    },
  },
  {
    name: "job-orphan-controller",
    neededBy: [{ resource: pods, isFor: (pod) => isTracked(pod as Pod) }],
    load: async () => {
      const { jobOrphans } = await import("./batch/job_orphans.ts");
      return () => jobOrphans;
    },
  },
  {
    name: "ttl-after-finished-controller",
    neededBy: [{ resource: jobs }],
    load: async () => {
      const { finishedJobExpiry } = await import("./batch/finished_job_expiry.ts");
      return () => loopOf(finishedJobExpiry);
    },
  },
  {
    name: "cronjob-controller",
    neededBy: [{ resource: cronJobs }],
    load: async () => {
      const { cronJobController } = await import("./batch/cron_jobs.ts");
      return () => loopOf(cronJobController);
    },
  },
  {
    name: "statefulset-controller",
    neededBy: [{ resource: statefulSets }],
    load: async () => {
      const { statefulSetController } = await import("./apps/stateful_sets/stateful_sets.ts");
      const { divisionOf } = await import("./rollouts/in_place/division.ts");
      return () => loopOf(statefulSetController(divisionOf));
    },
  },
  {
    name: "daemonset-controller",
    neededBy: [{ resource: daemonSets }],
    load: async () => {
      const { daemonSetController } = await import("./apps/daemon_sets/daemon_sets.ts");
      const { divisionOf } = await import("./rollouts/in_place/division.ts");
      return () => loopOf(daemonSetController(divisionOf));
    },
  },
  {
    name: "horizontal-pod-autoscaler",
    neededBy: [{ resource: horizontalPodAutoscalers }],
    load: async () => {
      const { autoscalerLoop } = await import("./autoscaling/autoscalers.ts");
      return ({ catalog, ask }) => autoscalerLoop(catalog, ask);
    },
  },
  {
    name: "disruption-controller",
    neededBy: [{ resource: podDisruptionBudgets }],
    load: async () => {
      const { disruptionController } = await import("./cluster/disruptions.ts");
      return ({ catalog }) => loopOf(disruptionController(catalog));
    },
  },
  {
    name: "rollouts-controller",
    neededBy: [{ resource: rollouts }],
    load: async () => {
      const { rolloutController } = await import("./rollouts/rollouts.ts");
      return ({ traffic }) => loopOf(rolloutController(traffic));
    },
  },
  {
    name: "stepwise-deployment-controller",
    neededBy: [{ resource: deployments, isFor: isStepwise }, { resource: rollouts }],
    load: async () => {
      const stepwise = await import("./rollouts/deployments/stepwise_deployments.ts");
      return () => loopOf(stepwise.stepwiseDeploymentController);
    },
  },
  {
    name: "stepwise-statefulset-controller",
    neededBy: [{ resource: statefulSets, isFor: isStepwise }, { resource: rollouts }],
    load: async () => {
      const stepwise = await import("./rollouts/in_place/stepwise_workloads.ts");
      return () => loopOf(stepwise.stepwiseStatefulSetController);
    },
  },
  {
    name: "stepwise-daemonset-controller",
    neededBy: [{ resource: daemonSets, isFor: isStepwise }, { resource: rollouts }],
    load: async () => {
      const stepwise = await import("./rollouts/in_place/stepwise_workloads.ts");
      return () => loopOf(stepwise.stepwiseDaemonSetController);
    },
  },
  {
    name: "rollouts-controller",
    neededBy: [{ resource: services, isFor: isManaged }],
    load: async () => {
      const { serviceReleaseController } = await import("./rollouts/service_releases.ts");
      return () => loopOf(serviceReleaseController);
    },
  },
  {
    name: "rollouts-controller",
    neededBy: [{ resource: ingresses, isFor: hasAlbActions }],
    load: async () => {
      const { ingressReleaseController } = await import("./rollouts/ingress_releases.ts");
      return () => loopOf(ingressReleaseController);
    },
  },
  {
    name: "rollouts-controller",
    neededBy: [{ resource: experiments }],
    load: async () => {
      const { experimentController } = await import("./experiments/experiments.ts");
      return ({ traffic }) => loopOf(experimentController(traffic));
    },
  },
  {
    name: "rollouts-controller",
    neededBy: [{ resource: analysisRuns }],
    load: async () => {
      const { analysisRunLoop } = await import("./analysis/analysis_runs.ts");
      return ({ measure }) => analysisRunLoop(measure);
    },
  },
  {
    name: "pvc-protection-controller",
    neededBy: [ANY_CLAIM],
    load: async () => {
      const { claimProtection } = await import("./storage/protected_kinds.ts");
      return () => loopOf(claimProtection);
    },
  },
  {
    name: "pv-protection-controller",
    neededBy: [ANY_VOLUME],
    load: async () => {
      const { volumeProtection } = await import("./storage/protected_kinds.ts");
      return () => loopOf(volumeProtection);
    },
  },
  {
    name: "volumeattributesclass-protection-controller",
    neededBy: [{ resource: volumeAttributesClasses }],
    load: async () => {
      const { attributesClassProtection } = await import("./storage/protected_kinds.ts");
      return () => loopOf(attributesClassProtection);
    },
  },
  {
    name: "persistentvolume-controller",
    neededBy: [ANY_CLAIM],
    load: async () => {
      const { claimBinding } = await import("./storage/claim_binding.ts");
      return () => loopOf(claimBinding);
    },
  },
  {
    name: "persistentvolume-controller",
    neededBy: [ANY_VOLUME],
    load: async () => {
      const { volumePhases } = await import("./storage/volume_phases.ts");
      return () => loopOf(volumePhases);
    },
  },
  {
    name: "local-path",
    neededBy: [ANY_CLAIM],
    load: async () => {
      const { localPathProvisioner } = await import("./storage/local_path_provisioner.ts");
      return () => loopOf(localPathProvisioner);
    },
  },
  {
    name: "local-path",
    neededBy: [ANY_VOLUME],
    load: async () => {
      const { localPathFinalizers } = await import("./storage/local_path_provisioner.ts");
      return () => loopOf(localPathFinalizers);
    },
  },
  {
    name: "local-path",
    neededBy: [ANY_CLAIM],
    load: async () => {
      const { localPathResizer } = await import("./storage/local_path_resizer.ts");
      return () => loopOf(localPathResizer);
    },
  },
  {
    name: "ephemeral_volume",
    neededBy: [{ resource: pods, isFor: hasEphemeralVolume }],
    load: async () => {
      const { ephemeralVolumes } = await import("./storage/ephemeral_volumes.ts");
      return () => loopOf(ephemeralVolumes);
    },
  },
];

/**
 * Every controller that is built in. A new one is one file and one line: here when most servers need it, else
 * among those on demand. The scheduler is one more, see `core/scheduler`.
 */
export const CONTROLLERS: readonly (ControllerDefinition | ControllerOnDemand)[] = [
  () => loopOf(deploymentController),
  () => loopOf(replicaSetController),
  () => loopOf(staleDisruptions),
  () => loopOf(endpointSliceController),
  () => loopOf(endpointsController),
  () => loopOf(endpointMirrorController),
  () => loopOf(serviceIpAddressController),
  ({ gatewayAddress: address, balancerRange: range }) =>
    loopOf(loadBalancerController({ address, ...(range !== undefined && { range }) })),
  ({ catalog }) => loopOf(namespaceController(catalog)),
  () => loopOf(clusterRoleAggregation),
  ({ catalog }) => apiServiceController(catalog),
  ({ catalog }) => loopOf(definitionNames(catalog)),
  ({ catalog }) => loopOf(definitionCleanup(catalog)),
  ({ catalog }) => resourceQuotaController(catalog),
  () => loopOf(defaultAccountController),
  ({ authority }) => loopOf(authorityPublisher(authority)),
  ({ tokenSigner, authority }) => loopOf(accountTokenSecrets(tokenSigner, authority)),
  ({ signer }) => loopOf(certificateSigningController(signer)),
  () => loopOf(expiredTokenController),
  () => loopOf(flowSchemaController),
  ({ catalog }) => loopOf(policyTypeChecking(catalog)),
  ({ nodeLifecycle }) => loopOf(nodeController(nodeLifecycle)),
  ({ nodeLifecycle }) => largeOutageLoop(nodeLifecycle),
  () => nodeArrivals,
  ({ reservedRanges: reserved, nodeBlocks: blocks }) =>
    loopOf(nodeRangeController({ reserved, ...(blocks && { blocks }) })),
  ({ tunnels }) => loopOf(remoteAddressController(tunnels)),
  ({ nodeLifecycle }) => loopOf(evictionController(nodeLifecycle)),
  () => loopOf(orphanedPodController),
  () => loopOf(outOfServicePodController),
  () => loopOf(unscheduledPodController),
  () => finishedPodLimit,
  () => eventExpiry,
  () => loopOf(gatewayClassController),
  ({ gatewayAddress }) => loopOf(gatewayController({ address: gatewayAddress })),
  () => loopOf(httpRouteController),
  ({ gatewayAddress }) => loopOf(ingressController({ address: gatewayAddress })),
  ({ catalog }) => garbageCollector(catalog),
  ...CONTROLLERS_ON_DEMAND,
];

/** The loops of controllers. */
export function createControllers(
  options: ControllerOptions,
  controllers: readonly (ControllerDefinition | ControllerOnDemand)[] = CONTROLLERS,
): (Loop | LoopOnDemand)[] {
  const complete = { reservedRanges: [], authority: "", ...options };
  return controllers.map((each) =>
    typeof each === "function"
      ? each(complete)
      : { ...each, load: async () => (await each.load())(complete) }
  );
}

/** All controllers with their code: for where nothing may wait for a file. */
export async function loadedControllers(): Promise<readonly ControllerDefinition[]> {
  return await Promise.all(
    CONTROLLERS.map((each) => typeof each === "function" ? each : each.load()),
  );
}

function isManaged({ metadata: { annotations = {} } }: KubeObject): boolean {
  return MANAGED_BY in annotations || SHARED_BY in annotations;
}

function hasAlbActions({ metadata: { annotations = {} } }: KubeObject): boolean {
  return MANAGED_ALB_ANNOTATIONS in annotations;
}

function hasEphemeralVolume(pod: KubeObject): boolean {
  return (pod as Pod).spec.volumes?.some(({ ephemeral }) => ephemeral !== undefined) ?? false;
}
