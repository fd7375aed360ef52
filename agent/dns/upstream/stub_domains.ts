import { ownField } from "../../../core/lib/own_field.ts";
import { nameServer } from "./resolv_conf.ts";
import type { Route } from "./forwarder.ts";

/** The ConfigMap in which people name servers of their own, and its keys: as kube-dns has it. */
export const STUB_DOMAINS = { namespace: "kube-system", name: "kube-dns" };
const ROUTES_MAX = 64;
const SERVERS_MAX = 8;

/**
 * Routes in the data of the ConfigMap `kube-system/kube-dns`: `stubDomains`, JSON of lists of addresses by domain, and
 * `upstreamNameservers`, a JSON list of addresses. What cannot be understood is left out, and said in `problems`.
 * https://kubernetes.io/docs/tasks/administer-cluster/dns-custom-nameservers/
 */
export function stubRoutesOf(
  data: Readonly<Record<string, string>>,
): { routes: Route[]; problems: string[] } {
  const problems: string[] = [];
  const read = (key: "stubDomains" | "upstreamNameservers"): unknown => {
    try {
      const text = ownField(data, key);
      return text === undefined ? undefined : JSON.parse(text);
    } catch (error) {
      problems.push(`${key} is no JSON: ${(error as Error).message}`);
      return undefined;
    }
  };
  const stubs = read("stubDomains");
  const entries: [string, unknown][] = typeof stubs === "object" && stubs !== null
    ? Object.entries(stubs)
    : [];
  const upstream = read("upstreamNameservers");
  if (upstream !== undefined) entries.push(["", upstream]);
  const routes = entries.slice(0, ROUTES_MAX).flatMap(([domain, list]): Route[] => {
    const servers = (Array.isArray(list) ? list : []).slice(0, SERVERS_MAX)
      .flatMap((each) => nameServer(String(each)) ?? []);
    const name = domain.toLowerCase().replace(/\.$/, "");
    if (servers.length > 0) return [{ domain: name, servers }];
    problems.push(`"${domain}" has no server with an IP address`);
    return [];
  });
  return { routes, problems };
}
