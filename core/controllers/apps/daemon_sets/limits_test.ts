import assert from "node:assert/strict";
import type { Pod } from "../../../resources/core/pods/pods.ts";
import { inAge, nodeOf } from "./daemon_pods.ts";
import { DaemonSetUnderTest } from "./daemon_set_fixture.ts";
import { hasSurge, limitsOf } from "./limits.ts";

Deno.test("limits are numbers, or shares rounded up, and never both 0", () => {
  const rows: [rollingUpdate: object, wanted: number, limits: [number, number]][] = [
    [{}, 5, [0, 1]],
    [{ maxSurge: 0, maxUnavailable: 0 }, 5, [0, 1]],
    [{ maxSurge: 1, maxUnavailable: 0 }, 5, [1, 0]],
    [{ maxSurge: 0, maxUnavailable: 3 }, 5, [0, 3]],
    [{ maxSurge: 2, maxUnavailable: 2 }, 5, [2, 2]],
    [{ maxSurge: "0%", maxUnavailable: "1%" }, 5, [0, 1]],
    [{ maxSurge: "50%", maxUnavailable: 0 }, 5, [3, 0]],
    [{ maxUnavailable: "100%" }, 101, [0, 101]],
    [{ maxUnavailable: "all" }, 5, [0, 1]],
  ];
  for (const [rollingUpdate, wanted, [maxSurge, maxUnavailable]] of rows) {
    const updateStrategy = { type: "RollingUpdate", rollingUpdate };
    const { daemonSet } = new DaemonSetUnderTest({ updateStrategy });
    const title = JSON.stringify(rollingUpdate);
    assert.deepEqual(limitsOf(daemonSet, wanted), { maxSurge, maxUnavailable }, title);
    assert.equal(hasSurge(daemonSet), maxSurge > 0, title);
  }
});

function podOf(name: string, spec: object, second = 0): Pod {
  const creationTimestamp = `2026-01-01T00:00:0${second}Z`;
  return { metadata: { name, creationTimestamp }, spec } as unknown as Pod;
}

Deno.test("bound pods come first, then older ones, then by name", () => {
  const pods = [
    podOf("c", {}, 1),
    podOf("b", {}, 2),
    podOf("a", {}, 2),
    podOf("e", { nodeName: "n" }, 4),
    podOf("d", { nodeName: "n" }, 3),
  ];
  const names = (all: readonly Pod[]) => inAge(all).map(({ metadata }) => metadata.name);
  assert.deepEqual(names(pods), ["d", "e", "c", "a", "b"]);
  assert.deepEqual(names(pods.toReversed()), ["d", "e", "c", "a", "b"]);
});

Deno.test("the node of a pod is the one that it is bound to, else the one that its affinity names", () => {
  const requiring = (...matchFields: object[]) => ({
    affinity: {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchFields }] },
      },
    },
  });
  const named = (...values: string[]) => ({ key: "metadata.name", operator: "In", values });
  const rows: [spec: object, node: string | undefined][] = [
    [{ nodeName: "n" }, "n"],
    [{ nodeName: "n", ...requiring(named("m")) }, "n"],
    [requiring(named("m")), "m"],
    [requiring(named("m", "n")), undefined],
    [requiring({ ...named("m"), operator: "NotIn" }), undefined],
    [requiring({ ...named("m"), key: "other" }), undefined],
    [requiring({ ...named("x"), key: "other" }, named("m")), "m"],
    [{}, undefined],
  ];
  for (const [spec, node] of rows) assert.equal(nodeOf(podOf("a", spec)), node);
});
