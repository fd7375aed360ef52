import type { Mutant } from "./mutants.ts";

/** Planted bugs in the controllers of StatefulSets and DaemonSets. */
export const SET_MUTANTS: readonly Mutant[] = [
  {
    name: "impatience: an ordered set makes the next pod before the one below it is ready",
    file: "core/controllers/apps/stateful_sets/replicas.ts",
    search: "if (isOrdered(set)) return { writes: repairs.writes, waits: true };",
    replace: "if (isOrdered(set) && isEnding(pod)) return { writes: repairs.writes, waits: true };",
    tests: [
      "core/controllers/apps/stateful_sets/stateful_sets_test.ts",
      "core/controllers/apps/stateful_sets/identity_test.ts",
    ],
  },
  {
    name: "impatience: a parallel set is updated on while a pod of it is not available",
    file: "core/controllers/apps/stateful_sets/rolling_update.ts",
    search: "    if (isUnavailable(set, pod, nowMs)) return [];\n",
    replace: "",
    tests: [
      "core/controllers/apps/stateful_sets/stateful_sets_test.ts",
      "core/controllers/apps/stateful_sets/identity_test.ts",
    ],
  },
  {
    name: "wrong end: an ordered set loses its first pods first",
    file: "core/controllers/apps/stateful_sets/replicas.ts",
    search: ".sort(([a], [b]) => b - a).map(([, pod]) => pod);",
    replace: ".sort(([a], [b]) => a - b).map(([, pod]) => pod);",
    tests: [
      "core/controllers/apps/stateful_sets/stateful_sets_test.ts",
      "core/controllers/apps/stateful_sets/identity_test.ts",
    ],
  },
  {
    name: "canary: a pod below the partition that is made anew gets the new template",
    file: "core/controllers/apps/stateful_sets/replicas.ts",
    search: "ordinal < rangeOf(set).first + before",
    replace: "ordinal < before - rangeOf(set).last",
    tests: [
      "core/controllers/apps/stateful_sets/stateful_sets_test.ts",
      "core/controllers/apps/stateful_sets/identity_test.ts",
    ],
  },
  {
    name: "lost way back: a former template gets a new revision",
    file: "core/controllers/apps/stateful_sets/history.ts",
    search: "const equal = stored.findLast((revision) => keeps(revision, data));",
    replace: "const equal = stored.slice(-1).find((revision) => keeps(revision, data));",
    tests: [
      "core/controllers/apps/stateful_sets/stateful_sets_test.ts",
      "core/controllers/apps/stateful_sets/identity_test.ts",
    ],
  },
  {
    name: "lost data: claims of pods that stay go when the set shrinks",
    file: "core/controllers/apps/stateful_sets/claims.ts",
    search: 'const withPod = whenScaled === "Delete" && isScaledAway;',
    replace: 'const withPod = whenScaled === "Delete" && (isScaledAway || !isScaledAway);',
    tests: ["core/controllers/apps/stateful_sets/claims_test.ts"],
  },
  {
    name: "lost data: a pod does not wait until the claims of the pod before it are gone",
    file: "core/controllers/apps/stateful_sets/replicas.ts",
    search: "if (stored.some((claim) => isStale(set, name, claim))) return WAITS;",
    replace: "if (stored.length < 0) return WAITS;",
    tests: ["core/controllers/apps/stateful_sets/claims_test.ts"],
  },
  {
    name: "two of a kind: a pod of a DaemonSet counts only once it is bound",
    file: "core/controllers/apps/daemon_sets/daemon_pods.ts",
    search: "return field?.values?.length === 1 ? field.values[0] : undefined;",
    replace: "return field?.values?.length === 0 ? field.values[0] : undefined;",
    tests: ["core/controllers/apps/daemon_sets/daemon_sets_test.ts"],
  },
  {
    name: "two of a kind: a node gets its pod while the one before is still ending",
    file: "core/controllers/apps/daemon_sets/daemon_pods.ts",
    search: "!(isFinished(pod) && isEnding(pod))",
    replace: "!isEnding(pod)",
    tests: [
      "core/controllers/apps/daemon_sets/daemon_sets_test.ts",
      "core/controllers/apps/daemon_sets/nodes_test.ts",
    ],
  },
  {
    name: "hot loop: pods of a DaemonSet that fail are made anew at once, for ever",
    file: "core/controllers/apps/daemon_sets/failed_pods.ts",
    search:
      "return Math.max(0, failures.lastMs + waitMsAfter(failures.count, BACKOFF) - elapsedMs);",
    replace: "return 0;",
    tests: [
      "core/controllers/apps/daemon_sets/daemon_sets_test.ts",
      "core/controllers/apps/daemon_sets/nodes_test.ts",
    ],
  },
  {
    name: "outage: all pods of a DaemonSet are replaced at once",
    file: "core/controllers/apps/daemon_sets/rolling_update.ts",
    search: "slice(0, Math.max(0, maxUnavailable - unavailable))",
    replace: "slice(0, Math.max(0, maxUnavailable + unavailable + pairs.length))",
    tests: ["core/controllers/apps/daemon_sets/daemon_sets_test.ts"],
  },
  {
    name: "outage: with a surge, an old pod goes before the new one is available",
    file: "core/controllers/apps/daemon_sets/node_pods.ts",
    search: "!isReady(oldPod) || isAvailable(daemonSet, newPod, nowMs)",
    replace: "!isReady(oldPod) || newPod !== undefined",
    tests: ["core/controllers/apps/daemon_sets/daemon_sets_test.ts"],
  },
  {
    name: "lost wake-up: a DaemonSet does not hear of nodes that change",
    file: "core/controllers/apps/daemon_sets/daemon_sets.ts",
    search: "known?.fits.get(name) !== (node && fitOf(daemonSet)(node)) || known === undefined",
    replace: "known === undefined",
    tests: ["core/controllers/apps/daemon_sets/daemon_sets_test.ts"],
  },
  {
    name: "out of the way: a taint NoExecute does not end a DaemonSet's pod",
    file: "core/controllers/apps/daemon_sets/node_fit.ts",
    search: 'const EXPEL: readonly Taint["effect"][] = ["NoExecute"];',
    replace: 'const EXPEL: readonly Taint["effect"][] = [];',
    tests: [
      "core/controllers/apps/daemon_sets/daemon_sets_test.ts",
      "core/controllers/apps/daemon_sets/nodes_test.ts",
    ],
  },
  {
    name: "two of a kind: a StatefulSet takes its pods out of the API before they have ended",
    file: "core/controllers/apps/stateful_sets/replicas.ts",
    search: "return remove(pods, pod, { event",
    replace: "return remove(pods, pod, { gracePeriodSeconds: 0, event",
    tests: ["core/controllers/apps/stateful_sets/stateful_sets_test.ts"],
  },
];
