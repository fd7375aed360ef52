import type { View } from "../client/client.ts";
import { nodes } from "../resources/core/nodes/nodes.ts";
import type { Service } from "../resources/core/services/services.ts";
import type { BackendSelection, Viewpoint } from "./service_backends.ts";

/** What a Service asks for of those who choose among its endpoints on a node: those that are near, or nothing. */
export function preferenceOf(
  view: View,
  { spec }: Service,
  nodeName: string | undefined,
): Pick<BackendSelection, "seenFrom"> {
  if (!spec.trafficDistribution || nodeName === undefined) return {};
  return { seenFrom: viewpointOf(view, nodeName) };
}

function viewpointOf(view: View, nodeName: string): Viewpoint {
  const zone = view.get(nodes, { name: nodeName })?.metadata.labels?.[ZONE];
  return { nodeName, ...(zone !== undefined && { zone }) };
}
const ZONE = "topology.kubernetes.io/zone";
