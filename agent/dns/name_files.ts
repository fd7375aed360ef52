import type { Pod } from "../../core/resources/core/pods/pods.ts";
import type { PodFiles } from "../volumes/pod_files.ts";
import { CLUSTER_DOMAIN, type ClusterDns } from "./cluster_dns.ts";
import { hostsTextOf, machineNameOf, nodeHostsTextOf } from "./host_names.ts";
import { parseResolverConfig, podResolverOf, resolverText } from "./resolver_config.ts";

export interface NameFilesContext {
  files: Pick<PodFiles, "nodeText" | "writeHosts" | "writeResolver">;
  nodeName: string;
  clusterDns?: ClusterDns;
}

/**
 * Writes `/etc/hosts` and `/etc/resolv.conf` of a pod. Without a domain of its own the cluster has the usual one. Resolves
 * with what had to be left out. Rejects when the pod's machine cannot have the name that it asks for.
 */
export async function writeNameFiles(
  { files, nodeName, clusterDns }: NameFilesContext,
  pod: Pod,
  ip: string,
): Promise<readonly string[]> {
  const { uid } = pod.metadata;
  const { domain: clusterDomain = CLUSTER_DOMAIN } = clusterDns ?? {};
  machineNameOf(pod, { nodeName, clusterDomain }); // tells first when it cannot have the name
  const node = parseResolverConfig(await files.nodeText("/etc/resolv.conf"));
  const { config, warnings } = podResolverOf(pod, node, clusterDns);
  const hosts = pod.spec.hostNetwork
    ? nodeHostsTextOf(pod, await files.nodeText("/etc/hosts"))
    : hostsTextOf(pod, ip, clusterDomain);
  await files.writeHosts(uid, hosts);
  await files.writeResolver(uid, resolverText(config));
  return warnings;
}
