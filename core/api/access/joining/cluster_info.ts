import { formatIpv4 } from "../../../lib/addresses/ipv4.ts";
import { ensure } from "../../../objects/ensure.ts";
import type { Objects } from "../../../objects/objects.ts";
import { configMaps } from "../../../resources/core/config_maps.ts";

/**
 * Where machines that are to join find out by which authority the server is known, as kubeadm's do. Everybody may read it:
 * the hash that they were given tells whether to believe it.
 * https://kubernetes.io/docs/reference/setup-tools/kubeadm/kubeadm-join/#token-based-discovery-with-ca-pinning
 */
export const CLUSTER_INFO = { namespace: "kube-public", name: "cluster-info" };

/** Under this key: the addresses of Services, which all nodes must agree on. */
export const SERVICE_RANGE = "service-cidr";

/** Publishes it. `url`: of the server, for machines elsewhere. `authority`: in PEM. */
export async function publishClusterInfo(
  objects: Objects,
  { url, authority }: { url: string; authority: string },
): Promise<void> {
  const { first, prefixLength } = objects.serviceRange;
  const data = {
    kubeconfig: kubeconfigText(url, authority),
    [SERVICE_RANGE]: `${formatIpv4(first)}/${prefixLength}`,
  };
  await ensure(objects, configMaps, { metadata: CLUSTER_INFO, data });
  await objects.change(
    configMaps,
    CLUSTER_INFO,
    (current) => ({ ...current, data: { ...(current as { data?: object }).data, ...data } }),
    { isOwn: true },
  );
}

/** With no user: it names the server alone. */
function kubeconfigText(server: string, authority: string): string {
  return [
    "apiVersion: v1",
    "clusters:",
    "- cluster:",
    `    certificate-authority-data: ${btoa(authority)}`,
    `    server: ${server}`,
    '  name: ""',
    "contexts: null",
    'current-context: ""',
    "kind: Config",
    "preferences: {}",
    "users: null",
    "",
  ].join("\n");
}
