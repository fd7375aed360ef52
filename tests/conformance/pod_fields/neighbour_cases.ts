import assert from "node:assert/strict";
import { type FieldCase, under } from "./field_case.ts";
import { podOf, type ProcessCluster } from "./process_cluster.ts";
import { DOCK, isUnschedulable, makeNodes, nodeOf } from "./scheduling_cases.ts";

const REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution";
const PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution";
const SELECTOR = ["matchLabels", ...under("matchExpressions[]", "key", "operator", "values")];
const TERM = [
  ...under("labelSelector", ...SELECTOR),
  ...under("namespaceSelector", ...SELECTOR),
  ...["namespaces", "topologyKey", "matchLabelKeys", "mismatchLabelKeys"],
];
const KINDS = ["podAffinity", "podAntiAffinity"] as const;

/** Which pods are near to which. Pods go to nodes that exist in the API alone: being bound is what is looked at. */
export const NEIGHBOUR_CASES: readonly FieldCase<ProcessCluster>[] = [
  {
    name:
      "a pod goes to where the pods are that it needs, and not to where those are that it shuns",
    fields: KINDS.flatMap((kind) => under(`affinity.${kind}.${REQUIRED}[]`, ...TERM)),
    run: needed,
  },
  {
    name: "a pod goes to where the pods are that it would rather be near to, or far from",
    fields: KINDS.flatMap((kind) =>
      under(
        `affinity.${kind}.${PREFERRED}[]`,
        ...["weight", ...under("podAffinityTerm", ...TERM)],
      )
    ),
    run: preferred,
  },
  {
    name: "pods are spread as evenly as they ask for",
    fields: under(
      "topologySpreadConstraints[]",
      ...["maxSkew", "topologyKey", "whenUnsatisfiable", "minDomains", "matchLabelKeys"],
      ...["nodeAffinityPolicy", "nodeTaintsPolicy", ...under("labelSelector", ...SELECTOR)],
    ),
    run: spread,
  },
  {
    name: "a pod of a higher priority makes room for itself, unless its class forbids that",
    fields: ["priority", "priorityClassName", "preemptionPolicy"],
    run: priority,
  },
];

const expression = (key: string, operator: string, ...values: string[]) => ({
  matchExpressions: [{ key, operator, ...(values.length > 0 && { values }) }],
});
const OWN_NAMESPACE = "kubernetes.io/metadata.name";

/** Terms that are about the anchor, `app: anchor` of release 1, and terms that are not; the pod is of release 1. */
function terms(app: string): Record<string, { hit: object; miss: object }> {
  const labelSelector = { matchLabels: { app } };
  const term = { topologyKey: "zone", labelSelector };
  return {
    labels: { hit: term, miss: { ...term, labelSelector: { matchLabels: { app: "none" } } } },
    expressions: {
      hit: { ...term, labelSelector: expression("app", "In", app) },
      miss: { ...term, labelSelector: expression("app", "In", "none") },
    },
    key: { hit: term, miss: { ...term, topologyKey: "room" } },
    namespaces: {
      hit: { ...term, namespaces: ["default"] },
      miss: { ...term, namespaces: ["kube-system"] },
    },
    "namespace-labels": {
      hit: { ...term, namespaceSelector: { matchLabels: { [OWN_NAMESPACE]: "default" } } },
      miss: { ...term, namespaceSelector: { matchLabels: { [OWN_NAMESPACE]: "kube-system" } } },
    },
    "namespace-expressions": {
      hit: { ...term, namespaceSelector: expression(OWN_NAMESPACE, "In", "default") },
      miss: { ...term, namespaceSelector: expression(OWN_NAMESPACE, "NotIn", "default") },
    },
    "same-labels": {
      hit: { ...term, matchLabelKeys: ["release"] },
      miss: { ...term, matchLabelKeys: ["version"] },
    },
    "other-labels": {
      hit: { ...term, mismatchLabelKeys: ["version"] },
      miss: { ...term, mismatchLabelKeys: ["release"] },
    },
  };
}

/** A pod with an own label, so that it is about itself in no term. */
function pod(name: string, dock: string, spec: object): object {
  return podOf(name, {
    metadata: { labels: { release: "1", version: "2" } },
    spec: {
      nodeSelector: { dock },
      tolerations: [{ key: DOCK, value: dock, effect: "NoSchedule" }],
      ...spec,
    },
  });
}

function anchor(name: string, nodeName: string): object {
  const labels = { app: name.replace(/-[ab]$/, ""), release: "1", version: "1" };
  return podOf(name, { metadata: { labels }, spec: { nodeName } });
}

async function needed(cluster: ProcessCluster): Promise<void> {
  const dock = "near";
  await makeNodes(cluster, dock, { "near-1": { labels: { dock, zone: "near" } } });
  await cluster.apply(anchor("near-anchor", "near-1"));
  for (const [name, { hit, miss }] of Object.entries(terms("near-anchor"))) {
    const of = (kind: string, term: object) => ({ affinity: { [kind]: { [REQUIRED]: [term] } } });
    const good = { near: of("podAffinity", hit), far: of("podAntiAffinity", miss) };
    const bad = { near: of("podAffinity", miss), far: of("podAntiAffinity", hit) };
    await cluster.apply(
      ...Object.entries(good).map(([kind, spec]) => pod(`${kind}-${name}-good`, dock, spec)),
      ...Object.entries(bad).map(([kind, spec]) => pod(`${kind}-${name}-bad`, dock, spec)),
    );
    for (const kind of ["near", "far"]) {
      assert.equal(await nodeOf(cluster, `${kind}-${name}-good`), "near-1", `${kind} ${name}`);
    }
    await isUnschedulable(cluster, `near-${name}-bad`, /didn't match pod affinity rules/);
    await isUnschedulable(cluster, `far-${name}-bad`, /didn't match pod anti-affinity rules/);
    for (const kind of ["near", "far"]) await cluster.delete(`${kind}-${name}-bad`);
  }
  await cluster.delete("near-anchor", "?gracePeriodSeconds=0");
}

async function preferred(cluster: ProcessCluster): Promise<void> {
  const dock = "liked";
  const zones = { "liked-1": "liked-a", "liked-2": "liked-b" };
  await makeNodes(
    cluster,
    dock,
    Object.fromEntries(
      Object.entries(zones).map(([name, zone]) => [name, { labels: { dock, zone } }]),
    ),
  );
  await cluster.apply(anchor("liked-anchor", "liked-1"), anchor("liked-other", "liked-2"));
  const other = terms("liked-other")["labels"]!.hit;
  for (const [name, { hit, miss }] of Object.entries(terms("liked-anchor"))) {
    const of = (kind: string, term: object, weight: number) => ({
      affinity: {
        [kind]: {
          [PREFERRED]: [{ weight, podAffinityTerm: term }, { weight: 50, podAffinityTerm: other }],
        },
      },
    });
    const rows: [string, object, string][] = [
      [`liked-${name}-hit`, of("podAffinity", hit, 90), "liked-1"],
      [`liked-${name}-light`, of("podAffinity", hit, 10), "liked-2"],
      [`liked-${name}-miss`, of("podAffinity", miss, 90), "liked-2"],
      [`shunned-${name}-hit`, of("podAntiAffinity", hit, 90), "liked-2"],
      [`shunned-${name}-light`, of("podAntiAffinity", hit, 10), "liked-1"],
      [`shunned-${name}-miss`, of("podAntiAffinity", miss, 90), "liked-1"],
    ];
    for (const [title, spec, node] of rows) {
      await cluster.apply(pod(title, dock, spec));
      assert.equal(await nodeOf(cluster, title), node, title);
    }
  }
  for (const name of ["liked-anchor", "liked-other"]) {
    await cluster.delete(name, "?gracePeriodSeconds=0");
  }
}

async function spread(cluster: ProcessCluster): Promise<void> {
  const dock = "spread";
  const wet = { key: "wet", effect: "NoSchedule" };
  await makeNodes(cluster, dock, {
    "spread-1": { labels: { dock, place: "a", room: "r", side: "left" } },
    "spread-2": { labels: { dock, place: "b", room: "r", side: "right" }, taints: [wet] },
  });
  await cluster.apply(anchor("spread", "spread-1"));
  const labelSelector = { matchLabels: { app: "spread" } };
  const strict = {
    topologyKey: "place",
    maxSkew: 1,
    whenUnsatisfiable: "DoNotSchedule",
    labelSelector,
  };
  const left = { nodeSelector: { dock, side: "left" } };
  const rows: [name: string, constraint: object, spec: object, fits: boolean][] = [
    ["strict", strict, {}, false],
    ["skew", { ...strict, maxSkew: 2 }, {}, true],
    ["loose", { ...strict, whenUnsatisfiable: "ScheduleAnyway" }, {}, true],
    ["key", { ...strict, topologyKey: "room" }, {}, true],
    ["labels", { ...strict, labelSelector: { matchLabels: { app: "none" } } }, {}, true],
    ["in", { ...strict, labelSelector: expression("app", "In", "spread") }, {}, false],
    ["not-in", { ...strict, labelSelector: expression("app", "NotIn", "spread") }, {}, true],
    ["taints", { ...strict, nodeTaintsPolicy: "Honor" }, {}, true],
    ["domains", { ...strict, nodeTaintsPolicy: "Honor", minDomains: 2 }, {}, false],
    ["selected", strict, left, true],
    ["all", { ...strict, nodeAffinityPolicy: "Ignore" }, left, false],
    ["same", { ...strict, matchLabelKeys: ["release"] }, {}, false],
    ["other", { ...strict, matchLabelKeys: ["version"] }, {}, true],
  ];
  for (const [name, constraint, spec, fits] of rows) {
    const draft = pod(`spread-${name}`, dock, { topologySpreadConstraints: [constraint], ...spec });
    const { metadata, ...rest } = draft as { metadata: { name: string; labels: object } };
    const labels = { ...metadata.labels, app: "spread" };
    await cluster.apply({ ...rest, metadata: { ...metadata, labels } });
    if (fits) {
      assert.equal(await nodeOf(cluster, `spread-${name}`), "spread-1", name);
    } else {
      await isUnschedulable(
        cluster,
        `spread-${name}`,
        /didn't match pod topology spread constraints/,
      );
      await cluster.delete(`spread-${name}`);
    }
  }
  await cluster.delete("spread", "?gracePeriodSeconds=0");
}

async function priority(cluster: ProcessCluster): Promise<void> {
  const dock = "ranked";
  await makeNodes(cluster, dock, { "ranked-1": { labels: { dock } } });
  const rankOf = (name: string, policy: string) => ({
    ...{ apiVersion: "scheduling.k8s.io/v1", kind: "PriorityClass", metadata: { name } },
    ...{ value: 1000, preemptionPolicy: policy },
  });
  await cluster.apply(rankOf("ranked", "PreemptLowerPriority"), rankOf("ranked-polite", "Never"));
  const large = (name: string, priorityClassName?: string) => {
    const { spec, ...rest } = pod(name, dock, {}) as { spec: { containers: object[] } };
    const resources = { requests: { cpu: "3" } };
    const containers = spec.containers.map((container) => ({ ...container, resources }));
    return {
      ...rest,
      spec: { ...spec, containers, ...(priorityClassName && { priorityClassName }) },
    };
  };
  await cluster.apply(large("ranked-low"));
  await cluster.podWhen("ranked-low", ({ spec }) => spec.nodeName);
  await cluster.apply(large("ranked-polite", "ranked-polite"));
  await isUnschedulable(cluster, "ranked-polite", /not eligible due to preemptionPolicy=Never/);
  await cluster.delete("ranked-polite");
  await cluster.apply(large("ranked-high", "ranked"));
  await cluster.podWhen("ranked-low", ({ metadata }) => metadata.deletionTimestamp);
  await cluster.eventOf("ranked-low", "Preempted", /Preempted by pod .* on node ranked-1/);
  const { spec } = await cluster.podWhen(
    "ranked-high",
    ({ status }) => status.nominatedNodeName === "ranked-1",
  );
  assert.equal(spec.priority, 1000);
  await cluster.delete("ranked-low", "?gracePeriodSeconds=0");
  assert.equal(await nodeOf(cluster, "ranked-high"), "ranked-1");
}
