import type { MutableCatalog } from "../resources/catalog.ts";
import { type Loop, loopOf } from "./runtime/controller.ts";
import { analysisRunLoop } from "./analysis/analysis_runs.ts";
import type { Measure } from "./analysis/measuring.ts";
import { apiServiceController } from "./api_services/api_services.ts";
import { autoscalerLoop } from "./autoscaling/autoscalers.ts";
import type { ServedTraffic } from "../traffic/served_traffic.ts";
import type { AskApi } from "./autoscaling/metrics_api.ts";
import { cronJobController } from "./batch/cron_jobs.ts";
import { finishedJobExpiry } from "./batch/finished_job_expiry.ts";
import { jobController } from "./batch/jobs.ts";
import { jobOrphans } from "./batch/job_orphans.ts";
import { clusterRoleAggregation } from "./cluster/cluster_role_aggregation.ts";
import { definitionCleanup } from "./apiextensions/definition_cleanup.ts";
import { definitionNames } from "./apiextensions/definition_names.ts";
import { daemonSetController } from "./apps/daemon_sets/daemon_sets.ts";
import { deploymentController } from "./apps/deployments.ts";
import { disruptionController } from "./cluster/disruptions.ts";
import { staleDisruptions } from "./cluster/stale_disruptions.ts";
import { experimentController } from "./experiments/experiments.ts";
import { endpointSliceController } from "./services/endpoint_slices.ts";
import { endpointMirrorController } from "./services/endpoint_mirrors.ts";
import { endpointsController } from "./services/endpoints.ts";
import { authorityPublisher, defaultAccountController } from "./cluster/account_defaults.ts";
import { accountTokenSecrets, type SecretTokenSigner } from "./cluster/account_token_secrets.ts";
import {
  type CertificateSigner,
  certificateSigningController,
} from "./cluster/certificate_signing.ts";
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
import { nodeController } from "./nodes/nodes.ts";
import {
  finishedPodLimit,
  orphanedPodController,
  outOfServicePodController,
  unscheduledPodController,
} from "./nodes/pod_cleanup.ts";
import { policyTypeChecking } from "./cluster/policy_type_checking.ts";
import { resourceQuotaController } from "./cluster/resource_quotas.ts";
import { rolloutController } from "./rollouts/rollouts.ts";
import { stepwiseDeploymentController } from "./rollouts/deployments/stepwise_deployments.ts";
import { serviceReleaseController } from "./rollouts/service_releases.ts";
import { replicaSetController } from "./apps/replica_sets.ts";
import { replicationController } from "./apps/replication_controllers.ts";
import { statefulSetController } from "./apps/stateful_sets/stateful_sets.ts";
import { claimBinding } from "./storage/claim_binding.ts";
import { ephemeralVolumes } from "./storage/ephemeral_volumes.ts";
import { localPathFinalizers, localPathProvisioner } from "./storage/local_path_provisioner.ts";
import { localPathResizer } from "./storage/local_path_resizer.ts";
import {
  attributesClassProtection,
  claimProtection,
  volumeProtection,
} from "./storage/protected_kinds.ts";
import { volumePhases } from "./storage/volume_phases.ts";

export interface ControllerOptions {
  /** Every kind that is served: what namespaces hold, and what owners and dependents may be. */
  catalog: MutableCatalog;
  /** Where listeners of Gateways are opened; `0.0.0.0` for all addresses. */
  gatewayAddress: string;
  /** Addresses of which each load balancer gets one, in CIDR notation; absent: they have those of the nodes. */
  balancerRange?: string;
  /** Ranges of pods' addresses that no node is given. */
  reservedRanges?: readonly string[];
  /** Certificate of the authority by which pods know the API server, as PEM; absent: they do not get one. */
  authority?: string;
  /** Signs certificates with its key; absent: nobody does. */
  signer?: CertificateSigner;
  /** Makes tokens for Secrets to hold; absent: these get none. */
  tokenSigner?: SecretTokenSigner;
  /** Asks the API of this server for measurements; absent: there are none. */
  ask?: AskApi;
  /** What the proxies serve; absent: nobody knows. */
  traffic?: ServedTraffic;
  /** Makes the measurements of AnalysisRuns; absent: there are none. */
  measure?: Measure;
}

type OptionalKeys = "ask" | "balancerRange" | "measure" | "signer" | "tokenSigner" | "traffic";

/** The loop of a controller in a server with these options. */
export type ControllerDefinition = (
  options:
    & Required<Omit<ControllerOptions, OptionalKeys>>
    & Pick<ControllerOptions, OptionalKeys>,
) => Loop;

/** Every controller that is built in. A new one is one file and one line here. The scheduler is one more, see `core/scheduler`. */
export const CONTROLLERS: readonly ControllerDefinition[] = [
  () => loopOf(deploymentController),
  () => loopOf(stepwiseDeploymentController),
  () => loopOf(replicaSetController),
  () => loopOf(replicationController),
  () => loopOf(jobController),
  () => jobOrphans,
  () => loopOf(finishedJobExpiry),
  () => loopOf(experimentController()),
  ({ traffic }) => loopOf(rolloutController(traffic)),
  () => loopOf(serviceReleaseController),
  () => loopOf(statefulSetController),
  () => loopOf(daemonSetController),
  () => loopOf(cronJobController),
  ({ catalog, ask }) => autoscalerLoop(catalog, ask),
  ({ measure }) => analysisRunLoop(measure),
  ({ catalog }) => loopOf(disruptionController(catalog)),
  () => loopOf(staleDisruptions),
  () => loopOf(endpointSliceController),
  () => loopOf(endpointsController),
  () => loopOf(endpointMirrorController),
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
  () => loopOf(flowSchemaController),
  ({ catalog }) => loopOf(policyTypeChecking(catalog)),
  () => loopOf(nodeController),
  ({ reservedRanges }) => loopOf(nodeRangeController({ reserved: reservedRanges })),
  () => loopOf(evictionController),
  () => loopOf(orphanedPodController),
  () => loopOf(outOfServicePodController),
  () => loopOf(unscheduledPodController),
  () => finishedPodLimit,
  () => eventExpiry,
  () => loopOf(claimProtection),
  () => loopOf(volumeProtection),
  () => loopOf(attributesClassProtection),
  () => loopOf(claimBinding),
  () => loopOf(volumePhases),
  () => loopOf(localPathProvisioner),
  () => loopOf(localPathFinalizers),
  () => loopOf(localPathResizer),
  () => loopOf(ephemeralVolumes),
  () => loopOf(gatewayClassController),
  ({ gatewayAddress }) => loopOf(gatewayController({ address: gatewayAddress })),
  () => loopOf(httpRouteController),
  ({ gatewayAddress }) => loopOf(ingressController({ address: gatewayAddress })),
  ({ catalog }) => garbageCollector(catalog),
];

/** The loops of controllers. */
export function createControllers(
  options: ControllerOptions,
  controllers: readonly ControllerDefinition[] = CONTROLLERS,
): Loop[] {
  return controllers.map((create) => create({ reservedRanges: [], authority: "", ...options }));
}
