import assert from "node:assert/strict";
import { ApiError } from "../../client/api_error.ts";
import type { Draft } from "../../client/client.ts";
import { configMaps } from "../../resources/core/config_maps.ts";
import { type Pod, pods } from "../../resources/core/pods/pods.ts";
import { limitRanges } from "../../resources/core/quotas/limit_ranges.ts";
import { resourceQuotas } from "../../resources/core/quotas/resource_quotas.ts";
import { services } from "../../resources/core/services/services.ts";
import type { AnyResource, KubeObject } from "../../resources/resource.ts";
import { freshObjects } from "../objects_fixture.ts";

const namespace = "default";

async function cluster() {
  const { objects, client, clock } = await freshObjects();
  const put = <T extends KubeObject>(resource: AnyResource, name: string, rest: object) =>
    client.create<T>(resource, { metadata: { name, namespace }, ...rest } as unknown as Draft<T>);
  const quota = (spec: object, name = "q") => put(resourceQuotas, name, { spec });
  return { objects, client, clock, put, quota };
}

const podSpec = (resources: object = {}, more: object = {}) => ({
  spec: { containers: [{ name: "c", image: "i", resources }], ...more },
});

async function refusal(act: Promise<unknown>): Promise<string> {
  const error = await act.then(() => undefined, (error: unknown) => error);
  assert.ok(error instanceof ApiError, "it is not refused");
  assert.equal(error.reason, "Forbidden");
  return error.message;
}

Deno.test("a quota counts any kind, and refuses in Kubernetes' words", async () => {
  const { put, quota, client } = await cluster();
  await quota({ hard: { configmaps: "2", "count/configmaps": "1" } });
  const first = await put(configMaps, "a", {});
  assert.equal(
    await refusal(put(configMaps, "b", {})),
    'configmaps "b" is forbidden: exceeded quota: q, requested: count/configmaps=1, used: count/configmaps=1, limited: count/configmaps=1',
  );
  await client.update(configMaps, { ...first, data: { k: "v" } } as never);
  await client.delete(configMaps, { namespace, name: "a" });
  await put(configMaps, "b", {});
});

Deno.test("of writes that come at once no more pass than the quota has room for", async () => {
  const { objects, quota } = await cluster();
  await quota({ hard: { pods: "3" } });
  const draft = (i: number) => ({ metadata: { name: `p${i}`, namespace }, ...podSpec() });
  const create = (i: number) => objects.create(pods, draft(i)).then(() => 1, () => 0);
  const outcomes = await Promise.all(Array.from({ length: 20 }, (_, i) => create(i)));
  assert.equal(outcomes.filter(Boolean).length, 3);
});

Deno.test("a write that is only tried, or fails, gives back what it would have used", async () => {
  const { objects, quota } = await cluster();
  await quota({ hard: { pods: "1" } });
  const draft = (name: string) => ({ metadata: { name, namespace }, ...podSpec() });
  await objects.create(pods, draft("a"), { dryRun: true });
  await objects.create(pods, draft("a"));
  await refusal(objects.create(pods, draft("b"), { dryRun: true }));
});

Deno.test("a quota on CPU demands that containers request it, and counts what pods use until they end", async () => {
  const { put, quota, client } = await cluster();
  await quota({ hard: { "requests.cpu": "1", "limits.cpu": "2" } });
  assert.equal(
    await refusal(put(pods, "p", podSpec({ requests: { cpu: "1" } }))),
    'pods "p" is forbidden: failed quota: q: must specify limits.cpu for: c',
  );
  const pod = await put<Pod>(pods, "p", podSpec({ limits: { cpu: "750m" } }));
  assert.equal(
    await refusal(put(pods, "r", podSpec({ limits: { cpu: "1500m" } }))),
    'pods "r" is forbidden: exceeded quota: q, requested: limits.cpu=1500m,requests.cpu=1500m, used: limits.cpu=750m,requests.cpu=750m, limited: limits.cpu=2,requests.cpu=1',
  );
  const ended = { ...pod.status, phase: "Succeeded" as const };
  await client.updateStatus(pods, { ...pod, status: ended });
  await put(pods, "r", podSpec({ requests: { cpu: "1" }, limits: { cpu: "2" } }));
});

for (
  const [scope, inside, outside] of [
    ["BestEffort", podSpec(), podSpec({ requests: { cpu: "1" } })],
    ["NotBestEffort", podSpec({ requests: { cpu: "1" } }), podSpec()],
    ["Terminating", podSpec({}, { activeDeadlineSeconds: 5 }), podSpec()],
    ["NotTerminating", podSpec(), podSpec({}, { activeDeadlineSeconds: 5 })],
    [
      "CrossNamespacePodAffinity",
      podSpec({}, {
        affinity: {
          podAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: [{
              topologyKey: "k",
              namespaces: ["x"],
            }],
          },
        },
      }),
      podSpec(),
    ],
  ] as const
) {
  Deno.test(`a quota for ${scope} counts those pods alone`, async () => {
    const { put, quota } = await cluster();
    await quota({ hard: { pods: "1" }, scopes: [scope] });
    await put(pods, "in", inside);
    await put(pods, "out", outside);
    await put(pods, "out2", outside);
    assert.match(await refusal(put(pods, "in2", inside)), /exceeded quota: q, requested: pods=1/);
  });
}

Deno.test("a change of a Service counts what it adds", async () => {
  const { put, quota, client } = await cluster();
  await quota({ hard: { "services.nodeports": "1", "services.loadbalancers": "0" } });
  const ports = [{ name: "a", port: 80 }, { name: "b", port: 81 }];
  const plain = await put(services, "s", {
    spec: { ports: ports.slice(0, 1), selector: { a: "b" } },
  });
  const typed = (type: string, count: number) =>
    ({
      ...plain,
      metadata: { name: "s", namespace },
      spec: { type, ports: ports.slice(0, count) },
    }) as never;
  assert.match(
    await refusal(client.update(services, typed("LoadBalancer", 1))),
    /services.loadbalancers=1/,
  );
  assert.match(
    await refusal(client.update(services, typed("NodePort", 2))),
    /services.nodeports=2/,
  );
  await client.update(services, typed("NodePort", 1));
});

Deno.test("a LimitRange gives new pods what they leave out, and says so", async () => {
  const { put } = await cluster();
  const limits = [{ type: "Container", default: { cpu: "1" }, defaultRequest: { cpu: "500m" } }];
  await put(limitRanges, "l", { spec: { limits } });
  const pod = await put<Pod>(pods, "p", podSpec());
  assert.deepEqual(pod.spec.containers[0]!.resources, {
    limits: { cpu: "1" },
    requests: { cpu: "500m" },
  });
  assert.equal(
    pod.metadata.annotations?.["kubernetes.io/limit-ranger"],
    "LimitRanger plugin set: cpu request for container c; cpu limit for container c",
  );
  assert.equal(pod.status.qosClass, "Burstable");
});

for (
  const [name, item, resources, expected] of [
    [
      "more than the most",
      { type: "Container", max: { cpu: "1" } },
      { limits: { cpu: "2" } },
      "maximum cpu usage per Container is 1, but limit is 2",
    ],
    ["less than the least", { type: "Container", min: { cpu: "100m" } }, {
      requests: { cpu: "50m" },
    }, "minimum cpu usage per Container is 100m, but request is 50m"],
    ["too large a ratio", { type: "Container", maxLimitRequestRatio: { cpu: "3" } }, {
      limits: { cpu: "1" },
      requests: { cpu: "100m" },
    }, "cpu max limit to request ratio per Container is 3, but provided ratio is 10.000000"],
    [
      "two faults of the pod",
      { type: "Pod", max: { cpu: "1", memory: "1Gi" } },
      { limits: { cpu: "2", memory: "2Gi" } },
      "[maximum cpu usage per Pod is 1, but limit is 2, maximum memory usage per Pod is 1Gi, but limit is 2Gi]",
    ],
    [
      "no limit",
      { type: "Pod", max: { cpu: "1" } },
      {},
      "maximum cpu usage per Pod is 1.  No limit is specified",
    ],
  ] as const
) {
  Deno.test(`a LimitRange refuses ${name}`, async () => {
    const { put } = await cluster();
    await put(limitRanges, "l", { spec: { limits: [item] } });
    const message = await refusal(put(pods, "p", podSpec(resources)));
    assert.equal(message, `pods "p" is forbidden: ${expected}`);
  });
}

Deno.test("a pod from before a quota and a LimitRange can still be labelled", async () => {
  const { put, quota, client } = await cluster();
  const pod = await put<Pod>(pods, "p", podSpec());
  await quota({ hard: { "requests.cpu": "1", pods: "0" } });
  await put(limitRanges, "l", { spec: { limits: [{ type: "Pod", min: { cpu: "1" } }] } });
  const metadata = { ...pod.metadata, labels: { a: "b" } };
  const labelled = await client.update(pods, { ...structuredClone(pod), metadata });
  assert.deepEqual(labelled.metadata.labels, { a: "b" });
});

Deno.test("a resize of a pod counts what it adds, and stays in the bounds", async () => {
  const { put, quota, client } = await cluster();
  const pod = await put<Pod>(pods, "p", podSpec({ requests: { cpu: "500m" } }));
  await quota({ hard: { "requests.cpu": "1" } });
  await put(limitRanges, "l", { spec: { limits: [{ type: "Pod", min: { cpu: "100m" } }] } });
  const resize = (cpu: string) => {
    const [container] = pod.spec.containers;
    const containers = [{ ...container!, resources: { requests: { cpu } } }];
    const metadata = { name: "p", namespace };
    return client.act(pods, metadata, "resize", {
      ...structuredClone(pod),
      metadata,
      spec: { ...structuredClone(pod.spec), containers },
    });
  };
  assert.match(
    await refusal(resize("1500m")),
    /requested: requests.cpu=1, used: requests.cpu=500m/,
  );
  assert.match(
    await refusal(resize("50m")),
    /minimum cpu usage per Pod is 100m, but request is 50m/,
  );
  await resize("1");
});
