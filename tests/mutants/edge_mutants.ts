import type { Mutant } from "./mutants.ts";

/** As `EDGE_SEEDS` of the simulator. */
const firstSeed = 1_000_001;
const NODES = "core/controllers/nodes/nodes.ts";
const EVICTIONS = "core/controllers/nodes/evictions.ts";
const OUTAGES = "core/controllers/nodes/large_outages.ts";
const SLICES = "core/controllers/services/endpoint_slices.ts";

/** Planted bugs in what becomes of nodes that are away, and of what they run. */
export const EDGE_MUTANTS: readonly Mutant[] = [
  {
    name: "edge: a node that is to be left alone is lost",
    file: NODES,
    search: "{ isLeftAlone: aloneMs > 0 }",
    replace: "{ isLeftAlone: false }",
    firstSeed,
    tests: ["core/controllers/nodes/autonomy_test.ts"],
  },
  {
    name: "edge: a node is left alone for ever",
    file: NODES,
    search: "{ isLeftAlone: aloneMs > 0 }",
    replace: "{ isLeftAlone: autonomyMsOf(node) > 0 }",
    firstSeed,
    tests: ["core/controllers/nodes/autonomy_test.ts"],
  },
  {
    name: "edge: the time alone is over when the clock of the server is set",
    file: NODES,
    search: "return before ?? elapsedMs - Math.max(0, nowMs - lostSinceMs(node));",
    replace: "return elapsedMs - Math.max(0, nowMs - lostSinceMs(node));",
    firstSeed,
    tests: ["core/controllers/nodes/autonomy_test.ts"],
  },
  {
    name: "edge: pods of a node that is left alone are marked as not ready",
    file: NODES,
    search: "  return isUnreachable(node) && !isOffline(node);",
    replace: "  return isUnreachable(node);",
    firstSeed,
    tests: ["core/controllers/nodes/autonomy_test.ts"],
  },
  {
    name: "edge: when the time alone is over, others send to the node for a moment",
    file: NODES,
    search: "const marks = isOffline(node) ?",
    replace: "const marks = isOffline(next) ?",
    firstSeed,
    tests: ["core/controllers/nodes/autonomy_test.ts"],
  },
  {
    name: "edge: pods are evicted though it is the server that is cut off",
    file: "core/controllers/nodes/zones.ts",
    search: "  return all.length > 0 && all.every(({ ready }) => ready === 0);",
    replace: "  return all.length > 99 && all.every(({ ready }) => ready === 0);",
    firstSeed,
    tests: ["core/controllers/nodes/large_outages_test.ts"],
  },
  {
    name: "edge: the pods of all lost nodes are evicted at once",
    file: OUTAGES,
    search: "        this.#paces.set(zone, paceAfter(pace, elapsedMs));\n",
    replace: "",
    firstSeed,
    tests: ["core/controllers/nodes/large_outages_test.ts"],
  },
  {
    name: "edge: after a start of the server nodes have no time to come back",
    file: OUTAGES,
    search: "const quietMs = this.#anewMs + this.#graceMs - elapsedMs;",
    replace: "const quietMs = this.#anewMs - elapsedMs;",
    firstSeed,
    tests: ["core/controllers/nodes/large_outages_test.ts"],
  },
  {
    name: "edge: a server that starts evicts for taints that were there before",
    file: EVICTIONS,
    search: "const taints = quietMs > 0 ?",
    replace: "const taints = quietMs > Infinity ?",
    firstSeed,
    tests: ["core/controllers/nodes/evictions_test.ts"],
  },
  {
    name: "edge: what every pod tolerates counts on a node that is left alone",
    file: EVICTIONS,
    search: "isOfOffline(taint) ? ownStayMs(pod) ?? Infinity : stayMsOf(pod, taint)",
    replace: "stayMsOf(pod, taint)",
    firstSeed,
    tests: ["core/controllers/nodes/large_outages_test.ts"],
  },
  {
    name: "edge: others send to pods of a node that is offline",
    file: SLICES,
    search: "const isOnlyHere = !isReachable(pod, view);",
    replace: "const isOnlyHere = false;",
    firstSeed,
    tests: ["core/controllers/services/offline_nodes_test.ts"],
  },
  {
    name: "edge: for want of others one sends to a pod that ends on a node that is offline",
    file: SLICES,
    search: "isReady(pod) && !(terminating && isOnlyHere);",
    replace: "isReady(pod);",
    firstSeed,
    tests: ["core/controllers/services/offline_nodes_test.ts"],
  },
  {
    name: "edge: what an agent has not kept is ended when it starts alone",
    file: "agent/agent.ts",
    search: "const isCurrent = isViewCurrent?.() ?? true;",
    replace: "const isCurrent = isViewCurrent !== null;",
    firstSeed,
    tests: ["agent/merge_test.ts"],
  },
  {
    name: "edge: what an agent has not kept is started a second time when it is told of it",
    file: "agent/agent.ts",
    search: "if (this.#leftAlone.has(uid))",
    replace: 'if (this.#leftAlone.has(""))',
    firstSeed,
    tests: ["agent/merge_test.ts"],
  },
  {
    name: "edge: two pods of one name run at once on one node",
    file: "agent/pods/namesakes.ts",
    search: "other !== pod && other.mayRun",
    replace: "other === undefined",
    firstSeed,
    tests: ["agent/merge_test.ts", "agent/pods/namesakes_test.ts"],
  },
  {
    name: "edge: an agent waits for its server before it runs what it has kept",
    file: "server/agent.ts",
    search: "  if (saved) mirror.restore(saved);\n",
    replace: "",
    firstSeed,
  },
];
