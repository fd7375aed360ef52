import type { Pod } from "../../core/resources/core/pods/pods.ts";

/** Kubernetes cuts the pod's name to what a host name may have. */
const HOSTNAME_CHARS_MAX = 63;
/** What the kernel takes as the name of a machine. */
const KERNEL_CHARS_MAX = 64;

/** The name of the pod in its domain: `spec.hostname`, or the pod's own. */
export function hostnameOf({ metadata, spec }: Pod): string {
  const name = spec.hostnameOverride ?? spec.hostname ?? metadata.name;
  return name.length <= HOSTNAME_CHARS_MAX
    ? name
    : name.slice(0, HOSTNAME_CHARS_MAX).replace(/[-.]+$/, "");
}

/** The domain of a pod that has a `subdomain`. */
function domainOf({ metadata, spec }: Pod, clusterDomain: string): string | undefined {
  const { subdomain, hostnameOverride } = spec;
  if (!subdomain || hostnameOverride !== undefined) return undefined;
  return `${subdomain}.${metadata.namespace}.svc.${clusterDomain}`;
}

/** Where a pod is: on which node, and in the domain of which cluster. */
export interface PodPlace {
  nodeName: string;
  clusterDomain: string;
}

/**
 * The name that a pod's programs see as their machine's. Throws when it must have its domain (`setHostnameAsFQDN`) and
 * the kernel does not take so long a name; the words are the kubelet's (`pkg/kubelet/util`, `GetNodenameForKernel`).
 */
export function machineNameOf(pod: Pod, { nodeName, clusterDomain }: PodPlace): string {
  if (pod.spec.hostNetwork) return nodeName;
  const hostname = hostnameOf(pod);
  const domain = domainOf(pod, clusterDomain);
  if (!pod.spec.setHostnameAsFQDN || domain === undefined) return hostname;
  const whole = `${hostname}.${domain}`;
  if (whole.length <= KERNEL_CHARS_MAX) return whole;
  throw new Error(
    `failed to construct FQDN from pod hostname and cluster domain, FQDN ${whole} is too long ` +
      `(${KERNEL_CHARS_MAX} characters is the max, ${whole.length} characters requested)`,
  );
}

/** `/etc/hosts` of a pod's containers, as the kubelet writes it. */
export function hostsTextOf(pod: Pod, podIP: string, clusterDomain: string): string {
  const hostname = hostnameOf(pod);
  const domain = domainOf(pod, clusterDomain);
  return [
    "# Kubernetes-managed hosts file.",
    "127.0.0.1\tlocalhost",
    "::1\tlocalhost ip6-localhost ip6-loopback",
    "fe00::0\tip6-localnet",
    "fe00::0\tip6-mcastprefix",
    "fe00::1\tip6-allnodes",
    "fe00::2\tip6-allrouters",
    `${podIP}\t${domain === undefined ? hostname : `${hostname}.${domain}\t${hostname}`}`,
    ...aliasLinesOf(pod),
    "",
  ].join("\n");
}

/** The same where the pod uses the network of its node: the node's own, and the aliases of the pod. */
export function nodeHostsTextOf(pod: Pod, nodeHosts: string): string {
  const aliases = aliasLinesOf(pod).map((line) => `${line}\n`);
  return `# Kubernetes-managed hosts file (host network).\n${nodeHosts}${aliases.join("")}`;
}

function aliasLinesOf({ spec: { hostAliases = [] } }: Pod): string[] {
  if (hostAliases.length === 0) return [];
  const lines = hostAliases.map(({ ip, hostnames = [] }) => `${ip}\t${hostnames.join("\t")}`);
  return ["", "# Entries added by HostAliases.", ...lines];
}
