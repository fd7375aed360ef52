import { formatIpv4, parseIpv4Range } from "../../core/lib/addresses/ipv4.ts";

/** Where pods ask for names, and which names are the cluster's own. */
export interface ClusterDns {
  /** IPv4 addresses of name servers, for `nameserver` in a pod's `resolv.conf`. */
  readonly addresses: readonly string[];
  /** Domain of the cluster without a final dot: `cluster.local`. */
  readonly domain: string;
}

/** Kubernetes' own default (`kubelet --cluster-domain`, kubeadm's `networking.dnsDomain`). */
export const CLUSTER_DOMAIN = "cluster.local";
/** Which address of the range of Services is that of cluster DNS: the tenth, as with kubeadm (`GetDNSIP`). */
const DNS_OFFSET = 10;

/** The address of cluster DNS in a range of Services; `undefined` when the range is too small to have one. */
export function dnsAddressIn(serviceCidr: string): string | undefined {
  const range = parseIpv4Range(serviceCidr);
  if (range === undefined || range.prefixLength > 28) return undefined;
  return formatIpv4(range.first + DNS_OFFSET);
}
