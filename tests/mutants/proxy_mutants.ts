import type { Mutant } from "./mutants.ts";
import { TLS_MUTANTS } from "./tls_mutants.ts";

const TABLE = ["proxy/table/split_shares_test.ts"];
const THREADS = ["proxy/threads/rollout_traffic_test.ts"];
const REPORTS = ["core/traffic/traffic_reports_test.ts"];

/** Planted bugs in how the proxy carries out rollouts, and in what it tells of that. */
export const PROXY_MUTANTS: readonly Mutant[] = [
  {
    name: "stand-in without a weight: a set of weight 0 gets the requests of one that has gone",
    file: "proxy/backends/split.ts",
    search: "      this.#shares[i]!.weight > 0 && other.endpoints",
    replace: "      this.#shares[i]!.weight >= 0 && other.endpoints",
    tests: THREADS,
  },
  {
    name: "stand-in for anybody: a backend of no rollout gets the requests of another",
    file: "proxy/backends/split.ts",
    search: "    if (rollout === undefined) return undefined;\n",
    replace: "",
    tests: THREADS,
  },
  {
    name: "healthy by proxy: a set that is stood in for counts no failure",
    file: "proxy/exchange/exchange.ts",
    search: "    before.counts.failures++;",
    replace: "    before.counts.failures += 0;",
    tests: THREADS,
  },
  {
    name: "faithful to nobody: a session stays with a share of weight 0",
    file: "proxy/backends/split.ts",
    search: "backend !== undefined && this.#shares[i]!.weight > 0 &&",
    replace: "backend !== undefined && this.#shares[i]!.weight >= 0 &&",
    tests: THREADS,
  },
  {
    name: "zero is something: a share of weight 0 counts as a way to its set",
    file: "proxy/table/sets_in_use.ts",
    search: "if (weight > 0) note(backend, shared);",
    replace: "note(backend, shared);",
    tests: ["proxy/table/sets_in_use_test.ts"],
  },
  {
    name: "nobody home: the address of a split Service leads by its selector, too",
    file: "proxy/table/route_table.ts",
    search: "split?.shares.flatMap((share) => share.weight > 0 ? share.backend : []) ?? [backend]",
    replace: "[backend, ...split?.shares.map((share) => share.backend) ?? []]",
    tests: TABLE,
  },
  {
    name: "half a copy: a request that has not come whole is mirrored",
    file: "proxy/http1/client_connection.ts",
    search: "    if (!this.#body.isDone) return;\n    this.#mirrored?.send();",
    replace: "    this.#mirrored?.send();",
    tests: ["proxy/http1/mirrored_request_test.ts"],
  },
  {
    name: "endless copies: a mirror that does not answer is waited for",
    file: "proxy/http1/mirrored_request.ts",
    search: "    this.#service.deadlines.add(this);",
    replace: "",
    tests: ["proxy/http1/mirrored_request_test.ts"],
  },
  {
    name: "ahead of itself: a table counts as made with what came while it was taken",
    file: "proxy/threads/run_proxy.ts",
    search: "      served.tell(next, made);",
    replace: "      served.tell(next, { ...made, ...served.sources.take(view) });",
    tests: ["proxy/threads/run_proxy_test.ts"],
  },
  {
    name: "out of sight: a proxy that cannot be reached is waited for",
    file: "core/traffic/traffic_reports.ts",
    search: "if (node === own?.node || (found !== undefined && isReady(found)))",
    replace: "if (node === own?.node || found !== undefined)",
    tests: REPORTS,
  },
  {
    name: "blank slate: before the first table all sets are free",
    file: "core/traffic/traffic_reports.ts",
    search: "    return own !== undefined && !this.#sent.has(own.node);",
    replace: "    return own === undefined;",
    tests: REPORTS,
  },
  {
    name: "forgotten guests: requests from before the change of weights are not waited for",
    file: "proxy/backends/live_set.ts",
    search: "this.isShared || this.#inFlight === 0 ? undefined : onIdle;",
    replace: "undefined;",
    tests: THREADS,
  },
  {
    name: "mixed accounts: what a Service's next set does is counted with its last one",
    file: "proxy/backends/backends.ts",
    search: "  return set ? `${name} ${set.hash}` : name;",
    replace: "  return set ? name : `${name}`;",
    tests: THREADS,
  },
  {
    name: "an empty server that stays empty for pods: no names, no way to the API",
    file: "server/traffic/traffic_demand.ts",
    search: "= [pods, gateways, ingresses]",
    replace: "= [gateways, ingresses]",
    tests: ["server/traffic/traffic_demand_test.ts"],
  },
  {
    name: "a stand-in that keeps its port: the proxy cannot take over",
    file: "server/traffic/stand_in.ts",
    search: "await Promise.all(this.#accepting);",
    replace: "",
    tests: ["server/traffic/stand_in_test.ts"],
  },
  {
    name: "a stand-in that leads to where the API was",
    file: "server/traffic/stand_in.ts",
    search: "this.#leads.set(key, endpoint);",
    replace: "if (!this.#leads.has(key)) this.#leads.set(key, endpoint);",
    tests: ["server/traffic/stand_in_test.ts"],
  },
  ...TLS_MUTANTS,
];
