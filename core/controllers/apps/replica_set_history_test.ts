import assert from "node:assert/strict";
import type { Deployment } from "../../resources/apps/deployments.ts";
import type { ReplicaSet } from "../../resources/apps/replica_sets.ts";
import {
  allOf,
  historyOf,
  nameOfCurrent,
  newReplicaSet,
  replicaSetsToDelete,
  revisionOf,
  sizeAnnotations,
  syncedHistory,
} from "./replica_set_history.ts";

const REVISION = "deployment.kubernetes.io/revision";
const HISTORY = "deployment.kubernetes.io/revision-history";

function deployment(spec: object = {}, metadata: object = {}): Deployment {
  return {
    metadata: { namespace: "default", name: "web", uid: "u", ...metadata },
    spec: {
      replicas: 4,
      revisionHistoryLimit: 2,
      strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 3, maxUnavailable: 0 } },
      selector: { matchLabels: { app: "web" } },
      template: template("web:1"),
      ...spec,
    },
    status: {},
  } as unknown as Deployment;
}

function template(image: string): object {
  return { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "web", image }] } };
}

/** An old ReplicaSet: its pods are gone, and its controller has seen that. */
function old(
  name: string,
  revision: number,
  change: Record<string, Record<string, unknown>> = {},
): ReplicaSet {
  return {
    metadata: {
      name,
      generation: 3,
      annotations: { [REVISION]: String(revision) },
      ...change["metadata"],
    },
    spec: { replicas: 0, template: template("web:0"), ...change["spec"] },
    status: { replicas: 0, observedGeneration: 3, ...change["status"] },
  } as unknown as ReplicaSet;
}

const namesOf = (all: readonly ReplicaSet[]) => all.map(({ metadata }) => metadata.name);

Deno.test("of several ReplicaSets with the template, the oldest is the current one", () => {
  const made = (name: string, second: number) =>
    old(name, 1, {
      metadata: { creationTimestamp: `2026-01-01T00:00:${second}Z` },
      spec: { template: template("web:1") },
    });
  const other = old("other", 1, { metadata: { creationTimestamp: "2025-01-01T00:00:00Z" } });
  for (
    const owned of [[made("b", 20), made("a", 10), other], [other, made("a", 10), made("b", 20)]]
  ) {
    const history = historyOf(deployment(), owned);
    assert.deepEqual([history.current?.metadata.creationTimestamp, history.old.length], [
      "2026-01-01T00:00:10Z",
      2,
    ]);
  }
  assert.deepEqual(historyOf(deployment(), [other]), { current: undefined, old: [other] });
  assert.deepEqual(allOf({ current: undefined, old: [other] }), [other]);
});

Deno.test("a new ReplicaSet has the next revision, the hash of its template, and the sizes it was worked out from", () => {
  const wanted = deployment({ minReadySeconds: 5 }, {
    annotations: { "example.com/cause": "v1", [REVISION]: "7", [HISTORY]: "1" },
  });
  const { metadata, spec } = newReplicaSet(wanted, [old("a", 3), old("b", 8)], 2);
  const hash = metadata.labels?.["pod-template-hash"];
  assert.equal(metadata.name, `web-${hash}`);
  assert.equal(metadata.name, nameOfCurrent(wanted));
  assert.deepEqual(metadata.annotations, {
    "example.com/cause": "v1",
    [REVISION]: "9",
    "deployment.kubernetes.io/desired-replicas": "4",
    "deployment.kubernetes.io/max-replicas": "7",
  });
  assert.deepEqual([spec?.replicas, spec?.minReadySeconds], [2, 5]);
  assert.deepEqual(spec?.selector, { matchLabels: { app: "web", "pod-template-hash": hash } });
  assert.deepEqual(spec?.template?.metadata?.labels, { app: "web", "pod-template-hash": hash });
  assert.equal("minReadySeconds" in newReplicaSet(deployment(), [], 1).spec!, false);
  assert.equal(newReplicaSet(deployment(), [], 1).metadata.annotations?.[REVISION], "1");
  assert.deepEqual(sizeAnnotations(deployment({ replicas: 1 })), {
    "deployment.kubernetes.io/desired-replicas": "1",
    "deployment.kubernetes.io/max-replicas": "4",
  });
});

Deno.test("the current ReplicaSet takes over the seconds that pods must be ready, or that there are none", () => {
  for (const [was, wanted] of [[undefined, 5], [5, undefined], [5, 6]]) {
    const current = old("web", 1, { spec: was === undefined ? {} : { minReadySeconds: was } });
    const spec = wanted === undefined ? {} : { minReadySeconds: wanted };
    const brought = syncedHistory(deployment(spec), { current, old: [] });
    assert.equal(brought.current?.spec.minReadySeconds, wanted);
    assert.equal("minReadySeconds" in brought.current!.spec, wanted !== undefined);
  }
});

Deno.test("what is up to date stays the very same object", () => {
  const current = old("web", 4, { spec: { minReadySeconds: 5 } });
  const history = { current, old: [old("a", 3)] };
  assert.equal(syncedHistory(deployment({ minReadySeconds: 5 }), history).current, current);
  assert.equal(syncedHistory(deployment(), { current: undefined, old: [] }).current, undefined);
});

Deno.test("a ReplicaSet that comes back gets the next revision and remembers those that it had", () => {
  const rows: [
    revision: string | undefined,
    known: string | undefined,
    history: string | undefined,
  ][] = [
    ["2", undefined, "2"],
    ["2", "1", "1,2"],
    [undefined, undefined, undefined],
  ];
  for (const [revision, known, history] of rows) {
    const annotations = {
      ...(revision && { [REVISION]: revision }),
      ...(known && { [HISTORY]: known }),
    };
    const current = old("web", 0, { metadata: { annotations } });
    const brought = syncedHistory(deployment(), { current, old: [old("a", 5)] }).current!;
    assert.equal(revisionOf(brought), 6n);
    assert.equal(brought.metadata.annotations?.[HISTORY], history);
  }
});

Deno.test("revisions are numbers of 64 bits, and what is no number is 0", () => {
  const saying = (revision: string) =>
    old("web", 0, { metadata: { annotations: { [REVISION]: revision } } });
  const all = [saying("3546343826724305833"), old("other", 7)];
  const { metadata } = newReplicaSet(deployment(), all, 1);
  assert.equal(metadata.annotations?.[REVISION], "3546343826724305834");
  assert.equal(revisionOf(saying("x")), 0n);
});

Deno.test("the revisions that it had are kept to 2,000 characters, the latest of them", () => {
  const full = ["1".repeat(999), "2".repeat(998)].join(","); // with ",5" 2,000
  for (const [known, kept] of [[full, `${full},5`], [`${full}9`, `${"2".repeat(998)}9,5`]]) {
    const annotations = { [REVISION]: "5", [HISTORY]: known! };
    const current = old("web", 0, { metadata: { annotations } });
    const brought = syncedHistory(deployment(), { current, old: [old("a", 5)] }).current!;
    assert.equal(brought.metadata.annotations?.[HISTORY], kept);
  }
});

Deno.test("of the history, what is beyond its limit goes, the oldest revisions first", () => {
  const limited = (count: number) => deployment({ revisionHistoryLimit: count });
  const all = [old("c", 3), old("a", 1), old("b", 2)];
  assert.deepEqual(namesOf(replicaSetsToDelete(limited(3), all)), []);
  assert.deepEqual(namesOf(replicaSetsToDelete(limited(2), all)), ["a"]);
  assert.deepEqual(namesOf(replicaSetsToDelete(limited(1), all)), ["a", "b"]);
  assert.deepEqual(namesOf(replicaSetsToDelete(limited(0), all)), ["a", "b", "c"]);
  assert.deepEqual(namesOf(replicaSetsToDelete(limited(9), all)), []);
});

Deno.test("of the history, nothing goes that has pods, is to have some, or is not looked at yet", () => {
  const none = deployment({ revisionHistoryLimit: 0 });
  const rows: [Record<string, Record<string, unknown>>, string[]][] = [
    [{}, ["a"]],
    [{ spec: { replicas: 1 } }, []],
    [{ status: { replicas: 1, observedGeneration: 3 } }, []],
    [{ status: { replicas: 0, observedGeneration: 2 } }, []],
    [{ status: { replicas: 0, observedGeneration: 4 } }, ["a"]],
    [{ metadata: { generation: 0 }, status: { replicas: 0, observedGeneration: undefined } }, [
      "a",
    ]],
    [{ metadata: { generation: 1 }, status: { replicas: 0, observedGeneration: undefined } }, []],
    [{ metadata: { generation: undefined }, status: { replicas: 0, observedGeneration: 0 } }, [
      "a",
    ]],
    [{ metadata: { deletionTimestamp: "2026-01-01T00:00:00Z" } }, []],
  ];
  for (const [change, names] of rows) {
    assert.deepEqual(
      namesOf(replicaSetsToDelete(none, [old("a", 1, change)])),
      names,
      JSON.stringify(change),
    );
  }
});
