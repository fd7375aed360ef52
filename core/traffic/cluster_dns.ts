import type { Service } from "../resources/core/services/services.ts";

/** The Service by which tools find cluster DNS. */
export const CLUSTER_DNS = { namespace: "kube-system", name: "kube-dns" } as const;

/** Whether each node answers at the addresses of a Service itself: nobody else may listen there. */
export function isClusterDns({ metadata: { namespace, name }, spec }: Service): boolean {
  return namespace === CLUSTER_DNS.namespace && name === CLUSTER_DNS.name &&
    spec.selector === undefined;
}
