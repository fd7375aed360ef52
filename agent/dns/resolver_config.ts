import type { Pod } from "../../core/resources/core/pods/pods.ts";
import type { ClusterDns } from "./cluster_dns.ts";

/** What a `resolv.conf` says (resolv.conf(5)). */
export interface ResolverConfig {
  readonly servers: readonly string[];
  readonly searches: readonly string[];
  /** E.g. `ndots:5`. */
  readonly options: readonly string[];
}

/** What a pod gets, and what of it had to be left out, in the kubelet's words. */
export interface PodResolver {
  readonly config: ResolverConfig;
  readonly warnings: readonly string[];
}

/** As the kubelet has them: `k8s.io/kubernetes/pkg/apis/core/validation`. */
const SERVERS_MAX = 3;
const SEARCHES_MAX = 32;
const SEARCH_CHARS_MAX = 253;
const SEARCH_LIST_CHARS_MAX = 2048;

const CLUSTER_OPTIONS = ["ndots:5"];
const NOTHING: ResolverConfig = { servers: [], searches: [], options: [] };

/**
 * The resolver of a pod, from its `dnsPolicy` and `dnsConfig`, from that of its node, and from where the cluster's names
 * are; without the latter, `ClusterFirst` is `Default`. Pure. Kubernetes: `pkg/kubelet/network/dns/dns.go`.
 *
 * https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/#pod-s-dns-policy
 */
export function podResolverOf(
  pod: Pod,
  node: ResolverConfig,
  clusterDns: ClusterDns | undefined,
): PodResolver {
  const { dnsConfig } = pod.spec;
  const base = baseOf(pod, node, clusterDns);
  const whole = dnsConfig === undefined ? base : {
    servers: unique([...base.servers, ...dnsConfig.nameservers ?? []]),
    searches: unique([...base.searches, ...dnsConfig.searches ?? []]),
    options: withOptions(
      base.options,
      (dnsConfig.options ?? []).map(({ name = "", value }) => value ? `${name}:${value}` : name),
    ),
  };
  return within(whole);
}

function baseOf(
  { metadata, spec }: Pod,
  node: ResolverConfig,
  clusterDns: ClusterDns | undefined,
): ResolverConfig {
  const { dnsPolicy, hostNetwork } = spec;
  if (dnsPolicy === "None") return NOTHING;
  const asksCluster = dnsPolicy === "ClusterFirstWithHostNet" ||
    (dnsPolicy === "ClusterFirst" && !hostNetwork);
  if (!asksCluster || clusterDns === undefined) return node;
  const { addresses, domain } = clusterDns;
  const own = [`${metadata.namespace}.svc.${domain}`, `svc.${domain}`, domain];
  return {
    servers: addresses,
    searches: unique([...own, ...node.searches]),
    options: CLUSTER_OPTIONS,
  };
}

/** Cuts what libraries cannot read. */
function within({ servers, searches, options }: ResolverConfig): PodResolver {
  const warnings: string[] = [];
  const [fewServers, fewSearches] = [servers.slice(0, SERVERS_MAX), fittingSearches(searches)];
  if (fewServers.length < servers.length) {
    warnings.push(
      "Nameserver limits were exceeded, some nameservers have been omitted, the applied nameserver line is: " +
        fewServers.join(" "),
    );
  }
  if (fewSearches.length < searches.length) {
    warnings.push(
      "Search Line limits were exceeded, some search paths have been omitted, the applied search line is: " +
        fewSearches.join(" "),
    );
  }
  return { config: { servers: fewServers, searches: fewSearches, options }, warnings };
}

function fittingSearches(searches: readonly string[]): string[] {
  const fitting = searches.slice(0, SEARCHES_MAX).filter(({ length }) =>
    length <= SEARCH_CHARS_MAX
  );
  while (fitting.join(" ").length > SEARCH_LIST_CHARS_MAX) fitting.pop();
  return fitting;
}

/** Of options with one name the last one counts, in the place of the first. */
function withOptions(options: readonly string[], more: readonly string[]): string[] {
  const named = [...options, ...more].map((each) => [each.split(":")[0]!, each] as const);
  return [...new Map(named).values()];
}

function unique(texts: readonly string[]): string[] {
  return [...new Set(texts)];
}

/** Reads a `resolv.conf`; what it does not know it leaves out. */
export function parseResolverConfig(text: string): ResolverConfig {
  const servers: string[] = [];
  let searches: string[] = [];
  let options: string[] = [];
  for (const line of text.split("\n")) {
    const [keyword, ...words] = line.trim().split(/\s+/);
    if (keyword === "nameserver") servers.push(...words.slice(0, 1));
    else if (keyword === "search") {
      searches = words.filter((word) => word !== ".").map((word) => word.replace(/\.$/, ""));
    } else if (keyword === "options") options = withOptions(options, words);
  }
  return { servers, searches, options };
}

/** Writes a `resolv.conf`, as containerd does. */
export function resolverText({ servers, searches, options }: ResolverConfig): string {
  return [
    ...(searches.length > 0 ? [`search ${searches.join(" ")}`] : []),
    ...servers.map((server) => `nameserver ${server}`),
    ...(options.length > 0 ? [`options ${options.join(" ")}`] : []),
    "",
  ].join("\n");
}
