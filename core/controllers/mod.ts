import type { Clock } from "../lib/clock.ts";
import type { AnyResource } from "../resources/resource.ts";
import { type Loop, loopOf } from "./runtime/controller.ts";
import { deploymentController } from "./apps/deployments.ts";
import { endpointSliceController } from "./cluster/endpoint_slices.ts";
import { eventExpiry } from "./cluster/event_expiry.ts";
import { evictionController } from "./nodes/evictions.ts";
import { garbageCollector } from "./cluster/garbage_collection.ts";
import { gatewayClassController, gatewayController } from "./gateway/gateways.ts";
import { httpRouteController } from "./gateway/http_routes.ts";
import { namespaceController } from "./cluster/namespaces.ts";
import { nodeRangeController } from "./nodes/node_ranges.ts";
import { nodeController } from "./nodes/nodes.ts";
import { podCleanupController } from "./nodes/pod_cleanup.ts";
import { replicaSetController } from "./apps/replica_sets.ts";

export interface ControllerOptions {
  /** Every kind that is served: what namespaces hold, and what owners and dependents may be. */
  resources: readonly AnyResource[];
  /** Where listeners of Gateways are opened; `0.0.0.0` for all addresses. */
  gatewayAddress: string;
  /** Tells how long things last. */
  clock: Pick<Clock, "elapsed">;
  /** Ranges of pods' addresses that no node is given. */
  reservedRanges?: readonly string[];
}

/** All controllers, new ones for each run. The scheduler is one more, see `core/scheduler`. */
export function createControllers(
  { resources, gatewayAddress, clock, reservedRanges = [] }: ControllerOptions,
): Loop[] {
  return [
    loopOf(deploymentController),
    loopOf(replicaSetController),
    loopOf(endpointSliceController),
    loopOf(namespaceController(resources)),
    loopOf(nodeController(clock)),
    loopOf(nodeRangeController({ reserved: reservedRanges })),
    loopOf(evictionController(clock)),
    loopOf(podCleanupController(clock)),
    eventExpiry,
    loopOf(gatewayClassController),
    loopOf(gatewayController({ address: gatewayAddress })),
    loopOf(httpRouteController),
    garbageCollector(resources),
  ];
}
