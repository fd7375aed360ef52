import assert from "node:assert/strict";
import { sendTraffic } from "../../cli/traffic.ts";
import type { Rollout, RolloutStatus } from "../../core/resources/argoproj/mod.ts";
import { eventually } from "../eventually.ts";
import type { Service } from "../../core/resources/core/services/services.ts";
import { Connection, type LoadReport, PacedLoad } from "../paced_load.ts";
import { isReady, mainStatus, type PodmanCluster } from "./podman_cluster.ts";
import { type Ending, rolloutApp } from "./rollout_app.ts";
import type { Step } from "./steps.ts";
import { freePort, gatewayOn } from "./web_app.ts";

/** What clients of a rollout are shown, and by which means traffic is moved. */
export interface Scenario {
  ending: Ending;
  perSecond: number;
  /** Whether the server is killed at each of the ten steps of a canary, or at one. */
  killsAtEachStep: boolean;
}

const NAME = "web";
const REPLICAS = 2;
const WEIGHTS = [10, 20, 30, 40, 50, 60, 70, 80, 90, 100];
const REQUESTS = 1_000;
const CONNECTIONS = 64;
const port = freePort();
const url = `http://127.0.0.1:${port}/`;

const ROUTED = {
  canaryService: "web-canary",
  stableService: "web-stable",
  trafficRouting: {
    plugins: { "argoproj-labs/gatewayAPI": { httpRoute: "web", namespace: "default" } },
  },
};

/** All that a canary and a blue-green rollout do to the requests of their clients. */
export function rolloutSteps(scenario: Scenario): Step<PodmanCluster>[] {
  let version = 0;
  const apply = async (cluster: PodmanCluster, strategy: object, replicas = REPLICAS) => {
    const app = {
      name: NAME,
      version: `v${++version}`,
      replicas,
      ending: scenario.ending,
      strategy,
    };
    await cluster.apply(...rolloutApp(app, ["web-stable", "web-canary", "web-active"]));
    return `v${version}`;
  };
  const step = (name: string, run: (cluster: PodmanCluster) => Promise<void>) => ({
    name: `${name} (the program ${scenario.ending})`,
    run,
  });
  const underLoad = async (act: () => Promise<void>): Promise<LoadReport> => {
    const load = new PacedLoad({ port, perSecond: scenario.perSecond });
    await eventually("the load runs", () => load.sent > scenario.perSecond / 2);
    await act().finally(() => load.stop());
    const report = await load.stop();
    assert.deepEqual(report.failures, []);
    return report;
  };
  const canary = (steps: readonly object[]) => ({ canary: { ...ROUTED, steps } });
  const paused = WEIGHTS.flatMap((setWeight) => [{ setWeight }, { pause: {} }]);
  return [
    step("the rollout comes up", async (cluster) => {
      await cluster.apply(gatewayOn(port), routeTo("web-stable", "web-canary"));
      await apply(cluster, canary(paused));
      await promoted(cluster, "v1");
      await eventually("the gateway answers", async () => (await split(10))["v1"] === 10);
    }),
    step("each weight of a canary is split exactly; weight 0 gets none", async (cluster) => {
      const next = await apply(cluster, canary(paused));
      const former = `v${version - 1}`;
      for (const weight of WEIGHTS) {
        await weighed(cluster, weight);
        const counts = await split(REQUESTS, CONNECTIONS);
        const expected = weight / 100 * REQUESTS;
        const { [next]: got = 0, [former]: rest = 0 } = counts;
        assert.equal(got + rest, REQUESTS, JSON.stringify(counts));
        assert.ok(Math.abs(got - expected) <= 1, `${got} of ${REQUESTS} at weight ${weight}`);
        if (weight === 50) {
          await patchStatus(cluster, { abort: true });
          await weighed(cluster, 0);
          assert.deepEqual(await split(REQUESTS, CONNECTIONS), { [former]: REQUESTS });
          await patchStatus(cluster, { abort: false });
          for (const again of WEIGHTS.slice(0, 4)) {
            await weighed(cluster, again);
            await resume(cluster);
          }
          await weighed(cluster, 50);
        }
        await resume(cluster);
      }
      await promoted(cluster, next);
      assert.deepEqual(await split(100, 10), { [next]: 100 });
    }),
    step("a canary to its end loses no request", async (cluster) => {
      const timed = WEIGHTS.flatMap((setWeight) => [{ setWeight }, { pause: { duration: 1 } }]);
      const { answers } = await underLoad(async () => {
        await promoted(cluster, await apply(cluster, canary(timed)));
      });
      assert.ok(answers.get(`v${version - 1}`)! > 0 && answers.get(`v${version}`)! > 0);
    }),
    step("abort in the middle, promote full and undo lose no request", async (cluster) => {
      const half = canary([{ setWeight: 50 }, { pause: {} }]);
      const stable = `v${version}`;
      await underLoad(async () => {
        await apply(cluster, half);
        await weighed(cluster, 50);
        await patchStatus(cluster, { abort: true });
        await weighed(cluster, 0);
        await patchStatus(cluster, { promoteFull: true });
        await promoted(cluster, `v${version}`);
        await undo(cluster);
        await weighed(cluster, 50);
        await patchStatus(cluster, { promoteFull: true });
        await promoted(cluster, stable);
      });
    }),
    step(
      "more replicas, and pods that are deleted in each set, lose no request",
      async (cluster) => {
        await underLoad(async () => {
          await apply(cluster, canary([{ setWeight: 50 }, { pause: {} }]));
          await weighed(cluster, 50);
          await patch(cluster, { spec: { replicas: REPLICAS + 1 } });
          await eventually("the sets have grown", async () => {
            const { canary, stable } = await readyPods(cluster);
            return canary.length >= 2 && stable.length === REPLICAS + 1;
          });
          const { canary: fresh, stable } = await readyPods(cluster);
          await cluster.delete("pod", fresh[0]!, stable[0]!);
          await eventually("others are there", async () => {
            const now = await readyPods(cluster);
            return now.canary.length >= 2 && now.stable.length === REPLICAS + 1;
          });
          await resume(cluster);
          await promoted(cluster, `v${version}`);
        });
        await patch(cluster, { spec: { replicas: REPLICAS } });
        await promoted(cluster, `v${version}`);
      },
    ),
    step("a program of each set that is killed is stood in for", async (cluster) => {
      await apply(cluster, canary([{ setWeight: 50 }, { pause: {} }]));
      await weighed(cluster, 50);
      let sent = 0, failed = 0;
      const stop = new AbortController();
      const loading = (async () => {
        while (!stop.signal.aborted) {
          const count = await traffic(50, 8); // GET alone: whoever is killed with a POST has lost it
          sent += 50;
          failed += count.failed;
        }
      })();
      const { canary: fresh, stable } = await readyPods(cluster);
      for (const name of [fresh[0]!, stable[0]!]) {
        const pod = await cluster.pod(name);
        Deno.kill(await cluster.pidOf(mainStatus(pod!).containerID!), "SIGKILL");
        await eventually("it runs again", async () => {
          const now = await cluster.pod(name);
          return now && isReady(now) && mainStatus(now).restartCount === 1;
        });
      }
      stop.abort();
      await loading;
      assert.equal(failed, 0, `${failed} of ${sent}`);
      await resume(cluster);
      await promoted(cluster, `v${version}`);
    }),
    step(
      "after kill -9 of the server in the middle the split is the same at once",
      async (cluster) => {
        const next = await apply(cluster, canary(paused)), former = `v${version - 1}`;
        for (const weight of WEIGHTS) {
          await weighed(cluster, weight);
          if (scenario.killsAtEachStep || weight === 30) {
            await cluster.server.kill();
            cluster.server = await cluster.server.restart();
            const { [next]: got = 0, [former]: rest = 0 } = await split(REQUESTS, CONNECTIONS);
            assert.equal(got + rest, REQUESTS);
            assert.ok(Math.abs(got - weight * REQUESTS / 100) <= 1, `${got} at weight ${weight}`);
            await weighed(cluster, weight);
          }
          await resume(cluster);
        }
        await underLoad(() => promoted(cluster, next));
      },
    ),
    step("a Service without a route is split exactly by connections", async (cluster) => {
      await cluster.kubectl("delete", "rollout", NAME, "--timeout=120s");
      const plugins = { "coracle.dev/service": { service: "web-active" } };
      const strategy = {
        canary: {
          ...ROUTED,
          trafficRouting: { plugins },
          steps: [{ setWeight: 20 }, { pause: {} }, { setWeight: 70 }, { pause: {} }],
        },
      };
      const first = await apply(cluster, strategy);
      await promoted(cluster, first);
      const { spec } =
        (await cluster.get<Service>("/api/v1/namespaces/default/services/web-active"))!;
      const hostname = spec.clusterIP!;
      await eventually("it answers", async () => (await splitOf(hostname, 10))[first] === 10);
      const load = new PacedLoad({ hostname, port: 80, perSecond: 100, freshEvery: 1 });
      const next = await apply(cluster, strategy);
      for (const weight of [20, 70]) {
        await weighed(cluster, weight);
        await resume(cluster);
      }
      await promoted(cluster, next);
      assert.deepEqual((await load.stop()).failures, []);
      const third = await apply(cluster, strategy);
      await weighed(cluster, 20);
      assert.deepEqual(await splitOf(hostname, 500), { [next]: 400, [third]: 100 });
      await patchStatus(cluster, { abort: true });
      await weighed(cluster, 0);
      assert.deepEqual(await splitOf(hostname, 100), { [next]: 100 });
    }),
    step("blue-green: the switch and the fast way back lose no request", async (cluster) => {
      const strategy = {
        blueGreen: {
          activeService: "web-active",
          autoPromotionEnabled: true,
          scaleDownDelaySeconds: 30,
        },
      };
      await cluster.kubectl("delete", "rollout", NAME, "--timeout=120s");
      await cluster.apply(routeTo("web-active"));
      const first = await apply(cluster, strategy);
      await promoted(cluster, first);
      await eventually("the gateway answers", async () => (await split(10))[first] === 10);
      const { answers } = await underLoad(async () => {
        await promoted(cluster, await apply(cluster, strategy));
        await undo(cluster);
        await promoted(cluster, first);
      });
      assert.ok(answers.get(first)! > 0 && answers.get(`v${version}`)! > 0);
    }),
  ];
}

function routeTo(...services: string[]): object {
  const backendRefs = services.map((name, i) => ({ name, port: 80, weight: i === 0 ? 100 : 0 }));
  return {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "HTTPRoute",
    metadata: { name: "web" },
    spec: { parentRefs: [{ name: "edge" }], rules: [{ backendRefs }] },
  };
}

const PATH = `/apis/argoproj.io/v1alpha1/namespaces/default/rollouts/${NAME}`;

async function rollout(cluster: PodmanCluster): Promise<Rollout & { status: RolloutStatus }> {
  return (await cluster.get<Rollout & { status: RolloutStatus }>(PATH))!;
}

async function patch(cluster: PodmanCluster, change: object, subresource = ""): Promise<void> {
  const answer = await cluster.server.fetch(PATH + subresource, {
    method: "PATCH",
    headers: { "content-type": "application/merge-patch+json" },
    body: JSON.stringify(change),
  });
  assert.equal(answer.status, 200, await answer.text());
}

function patchStatus(cluster: PodmanCluster, status: object): Promise<void> {
  return patch(cluster, { status }, "/status");
}

/** As `kubectl argo rollouts promote`. */
async function resume(cluster: PodmanCluster): Promise<void> {
  await eventually("it is paused", async () => {
    const { status } = await rollout(cluster);
    return (status.pauseConditions ?? []).length > 0;
  });
  await patchStatus(cluster, { pauseConditions: null });
}

/** As `kubectl argo rollouts undo`: the template of the revision before. */
async function undo(cluster: PodmanCluster): Promise<void> {
  const sets = (await cluster.get<{ items: SetOfRollout[] }>(
    "/apis/apps/v1/namespaces/default/replicasets?labelSelector=app%3Dweb",
  ))!.items;
  const revisionOf = ({ metadata: { annotations } }: SetOfRollout) =>
    Number(annotations["rollout.argoproj.io/revision"]);
  const [, former] = sets.toSorted((a, b) => revisionOf(b) - revisionOf(a));
  const template = structuredClone(former!.spec.template);
  delete template.metadata.labels["rollouts-pod-template-hash"];
  const answer = await cluster.server.fetch(PATH, {
    method: "PATCH",
    headers: { "content-type": "application/json-patch+json" },
    body: JSON.stringify([{ op: "replace", path: "/spec/template", value: template }]),
  });
  assert.equal(answer.status, 200, await answer.text());
}

interface SetOfRollout {
  metadata: { annotations: Record<string, string> };
  spec: { template: { metadata: { labels: Record<string, string> } } };
}

/** The version is the stable one, and nothing is left to do. */
async function promoted(cluster: PodmanCluster, version: string): Promise<void> {
  let last: Rollout | undefined;
  await eventually(`${version} is promoted`, async () => {
    const { metadata, spec, status } = last = await rollout(cluster);
    const [main] = spec.template!.spec!.containers!;
    return main!.env!.find(({ name }) => name === "VERSION")!.value === version &&
      status.observedGeneration === String(metadata.generation) &&
      status.phase === "Healthy" && status.stableRS === status.currentPodHash;
  }).catch((error) => {
    throw new Error(`${error}\n${JSON.stringify(last?.status, null, 1)}`);
  });
}

/** The weight is written, and all proxies follow it. */
async function weighed(cluster: PodmanCluster, weight: number): Promise<void> {
  let last: Rollout | undefined;
  await eventually(`weight ${weight} is in use`, async () => {
    const { metadata, status } = last = await rollout(cluster);
    const weights = status.canary?.weights;
    return status.observedGeneration === String(metadata.generation) &&
      weights?.canary.weight === weight && weights.verified !== false &&
      status.currentPodHash !== status.stableRS;
  }).catch((error) => {
    throw new Error(`${error}\n${JSON.stringify(last?.status, null, 1)}`);
  });
}

async function readyPods(cluster: PodmanCluster): Promise<{ canary: string[]; stable: string[] }> {
  const { status: { currentPodHash, stableRS } } = await rollout(cluster);
  const pods = (await cluster.pods(`app=${NAME}`)).filter(({ metadata }) =>
    metadata.deletionTimestamp === undefined
  ).filter(isReady);
  const of = (hash?: string) =>
    pods.filter(({ metadata }) => metadata.labels!["rollouts-pod-template-hash"] === hash)
      .map(({ metadata }) => metadata.name);
  return { canary: of(currentPodHash), stable: of(stableRS) };
}

/** How many connections to a Service each version answered, 25 at a time. */
async function splitOf(hostname: string, connections: number): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  let left = connections;
  const ask = async () => {
    while (left-- > 0) {
      const connection = await Connection.open({ hostname, port: 80 });
      const version = await connection.ask("/", { isLast: true }).finally(() => connection.close());
      counts[version] = (counts[version] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: 25 }, ask));
  return counts;
}

/** How many answers came from each version; all must be good. */
async function split(requests: number, connections = 1): Promise<Record<string, number>> {
  const { answers, failed } = await traffic(requests, connections);
  assert.equal(failed, 0);
  return Object.fromEntries(answers);
}

function traffic(requests: number, connections: number) {
  return sendTraffic({ url, requests, connections, signal: AbortSignal.timeout(120_000) });
}
