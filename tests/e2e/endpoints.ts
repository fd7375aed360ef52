import type { EndpointSlice } from "../../core/resources/discovery/endpoint_slices.ts";
import type { PodmanCluster } from "./podman_cluster.ts";

/** The addresses that requests to a Service are sent to. */
export async function readyAddresses(cluster: PodmanCluster, service: string): Promise<string[]> {
  const path = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices?labelSelector=" +
    encodeURIComponent(`kubernetes.io/service-name=${service}`);
  const list = await cluster.get<{ items: EndpointSlice[] }>(path);
  return (list?.items ?? []).flatMap(({ endpoints }) =>
    endpoints.filter(({ conditions }) => conditions.ready).map(({ addresses }) => addresses[0]!)
  );
}
