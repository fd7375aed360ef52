import assert from "node:assert/strict";
import { TestCluster } from "../../controllers/test_cluster.ts";
import { type Pod, pods } from "../../resources/core/pods/pods.ts";
import { podDisruptionBudgets } from "../../resources/policy/pod_disruption_budgets.ts";
import { Budgets } from "./budgets.ts";

class Namespace {
  readonly cluster = new TestCluster();
  readonly condemned = new Map<string, string>();

  pod(
    name: string,
    { labels = { app: "web" }, isReady = true, isEnding = false, namespace = "default" } = {},
  ): Pod {
    return this.cluster.put(pods, {
      metadata: {
        name,
        namespace,
        labels,
        ...(isEnding && { deletionTimestamp: "2026-01-01T00:00:00Z" }),
      },
      spec: { containers: [{ name: "a", image: "a" }] },
      status: {
        phase: "Running",
        conditions: [{ type: "Ready", status: isReady ? "True" : "False" }],
      },
    });
  }

  budget(name: string, status: object, selector: object = { matchLabels: { app: "web" } }): void {
    const desiredHealthy = 0;
    this.cluster.put(podDisruptionBudgets, {
      metadata: { name },
      spec: { selector, minAvailable: 1 },
      status: { desiredHealthy, ...status },
    });
  }

  violated(...victims: Pod[]): string[] {
    const violated = new Budgets(this.cluster, this.condemned).violatedBy(victims);
    return [...violated].map(({ metadata }) => metadata.name);
  }
}

/** Three ready pods of one app. */
function three() {
  const namespace = new Namespace();
  const [a, b, c] = ["a", "b", "c"].map((name) => namespace.pod(name)) as [Pod, Pod, Pod];
  return { namespace, a, b, c };
}

Deno.test("as many pods may go as a budget allows, those that are named first", () => {
  for (
    const [disruptionsAllowed, names] of [[0, "a b c"], [1, "b c"], [2, "c"], [3, ""]] as const
  ) {
    const { namespace, a, b, c } = three();
    namespace.budget("web", { disruptionsAllowed });
    assert.equal(namespace.violated(a, b, c).join(" "), names);
  }
});

Deno.test("what has happened since the budget was counted is taken into account", () => {
  const status = { disruptionsAllowed: 1, desiredHealthy: 2 };
  const rows: [
    title: string,
    change: (world: ReturnType<typeof three>) => void,
    violated: string,
  ][] = [
    ["nothing", () => {}, ""],
    ["another pod ends", ({ namespace }) => namespace.pod("b", { isEnding: true }), "a"],
    [
      "another pod is condemned",
      ({ namespace, b }) => namespace.condemned.set(b.metadata.uid, ""),
      "a",
    ],
    [
      "another pod is no longer ready",
      ({ namespace }) => namespace.pod("b", { isReady: false }),
      "a",
    ],
    ["two are no longer ready", ({ namespace }) => {
      namespace.pod("b", { isReady: false });
      namespace.pod("c", { isReady: false });
    }, "a"],
    [
      "a pod of another app is not ready",
      ({ namespace }) => namespace.pod("x", { labels: { app: "x" }, isReady: false }),
      "",
    ],
    ["a pod of another app is ready", ({ namespace }) => {
      namespace.pod("b", { isReady: false });
      namespace.pod("x", { labels: { app: "x" } });
    }, "a"],
    ["a fourth pod is ready", ({ namespace }) => {
      namespace.pod("b", { isReady: false });
      namespace.pod("d");
    }, ""],
    ["a pod of another namespace is ready", ({ namespace }) => {
      namespace.pod("b", { isReady: false });
      namespace.pod("d", { namespace: "other" });
    }, "a"],
  ];
  for (const [title, change, violated] of rows) {
    const world = three();
    world.namespace.budget("web", status);
    change(world);
    assert.equal(world.namespace.violated(world.a).join(), violated, title);
  }
});

Deno.test("no budget is broken by a pod that goes anyway, that no budget is about, or whose end was granted", () => {
  const { namespace, a, b } = three();
  namespace.budget("web", { disruptionsAllowed: 0, disruptedPods: { c: "2026-01-01T00:00:00Z" } });
  const ending = namespace.pod("ending", { isEnding: true });
  namespace.condemned.set(b.metadata.uid, "");
  const granted = namespace.cluster.get(pods, { namespace: "default", name: "c" })!;
  const other = namespace.pod("other", { labels: { app: "x" } });
  const far = namespace.pod("far", { namespace: "far" });
  assert.deepEqual(namespace.violated(ending, b, granted, other, far, a), ["a"]);
});

Deno.test("a budget with an empty selector is about no pod, and a pod without labels is under none", () => {
  const { namespace, a } = three();
  const bare = namespace.pod("bare", { labels: {} as { app: string } });
  namespace.budget("empty", { disruptionsAllowed: 0 }, {});
  assert.deepEqual(namespace.violated(a, bare), []);
  const expression = { key: "other", operator: "DoesNotExist" };
  namespace.budget("rule", { disruptionsAllowed: 0 }, { matchExpressions: [expression] });
  assert.deepEqual(namespace.violated(a, bare), ["a"]);
  const both = three();
  both.namespace.budget("both", { disruptionsAllowed: 0 }, {
    matchLabels: { app: "web" },
    matchExpressions: [expression],
  });
  assert.deepEqual(both.namespace.violated(both.a), ["a"]);
});

Deno.test("of several budgets about a pod each one counts", () => {
  const { namespace, a, b } = three();
  namespace.budget("loose", { disruptionsAllowed: 3 });
  namespace.budget("strict", { disruptionsAllowed: 1 });
  assert.deepEqual(namespace.violated(a, b), ["b"]);
});
