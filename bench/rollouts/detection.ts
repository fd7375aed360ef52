import { freePort, gatewayOn } from "../../tests/e2e/web_app.ts";
import { type LoadReport, PacedLoad } from "../../tests/paced_load.ts";
import type { Bench, Measurement } from "../harness.ts";
import { startServer } from "../server.ts";
import { median } from "../statistics.ts";
import {
  applyAll,
  isHealthy,
  makeWebImage,
  rolloutWhen,
  serviceOf,
  webRollout,
} from "./web_rollout.ts";

const ROUNDS = 3;
const PER_SECOND = 200;
const WEIGHT = 20;
const FAIL_ONE_IN = 5;
const INTERVAL_S = 5;
/** Prometheus' own default, and the shortest window over which `rate` is then recommended: four of them. */
const SCRAPE_S = 15;

interface Sample {
  /** From the first error that a client got until the version got no requests any more. */
  foundS: number;
  failed: number;
  sent: number;
}

/** A version that fails, found by the proxy's own counts. */
export const rolloutDetection: Measurement = {
  name: "rollout-detection",
  title: "A bad version is found and taken back: 1 answer in 5 is an error, at weight 20",
  needs: [],
  async run(bench) {
    const samples: Sample[] = [];
    const round = await opened(bench);
    for (let i = 0; i < bench.rounds(ROUNDS); i++) {
      samples.push(await bench.witnessed(() => round(i)));
    }
    const of = (key: keyof Sample) => median(samples.map((sample) => sample[key]));
    const share = of("failed") / of("sent") * 100;
    const argoS = SCRAPE_S + INTERVAL_S,
      argoFailed = argoS * PER_SECOND * WEIGHT / 100 / FAIL_ONE_IN;
    return {
      columns: ["", "found after, s", "intervals", "failed requests", "of all in the rollout, %"],
      rows: [
        [
          "Coracle, coracle.dev/proxy",
          of("foundS").toFixed(1),
          (of("foundS") / INTERVAL_S).toFixed(2),
          String(of("failed")),
          share.toFixed(2),
        ],
        [
          "Argo Rollouts with Prometheus, by its numbers",
          `≤ ${argoS}`,
          `≤ ${argoS / INTERVAL_S}`,
          `≤ ${argoFailed}`,
          "",
        ],
        ["to hold", "", "≤ 2", "", ""],
      ],
      notes: [
        `${PER_SECOND} requests a second; an interval of ${INTERVAL_S} s, and a window as long. From the first error at a client`,
        "until the weight of the bad version is 0 in the table in use. The share is of all requests from the change of",
        `the template on. Argo: computed, a scrape each ${SCRAPE_S} s and the same interval; not measured here.`,
      ],
    };
  },
};

async function opened(bench: Bench): Promise<(round: number) => Promise<Sample>> {
  const server = await startServer(bench, "process");
  await makeWebImage(server);
  const port = freePort();
  const applied = (version: string, failOneIn?: number) =>
    applyAll(server, [webRollout({
      ...{ name: "web", version, replicas: 5, strategy: STRATEGY },
      ...(failOneIn !== undefined && { failOneIn }),
    })]);
  await applyAll(server, [
    { ...gatewayOn(port), metadata: { name: "edge", namespace: "default" } },
    ROUTE,
    ...["web-stable", "web-canary"].map((name) => serviceOf(name, "web")),
    TEMPLATE,
  ]);
  await applied("good");
  await rolloutWhen(server, "web", isHealthy);
  return async (round) => {
    const load = new PacedLoad({ port, perSecond: PER_SECOND });
    await applied(`bad-${round}`, FAIL_ONE_IN);
    await rolloutWhen(
      server,
      "web",
      ({ status }) =>
        status?.abort === true && status.canary?.weights?.canary.weight === 0 &&
        status.canary.weights.verified !== false,
    );
    const sample = sampleOf(await load.stop());
    await applied("good");
    await rolloutWhen(server, "web", isHealthy);
    return sample;
  };
}

/** The last error is the last request of the bad version, give or take one in five. */
function sampleOf({ sent, failures }: LoadReport): Sample {
  const times = failures.map(({ atMs }) => atMs);
  const foundS = (Math.max(...times) - Math.min(...times)) / 1_000;
  return { foundS, failed: failures.length, sent };
}

const STRATEGY = {
  canary: {
    canaryService: "web-canary",
    stableService: "web-stable",
    trafficRouting: {
      plugins: { "argoproj-labs/gatewayAPI": { httpRoute: "web", namespace: "default" } },
    },
    analysis: { templates: [{ templateName: "errors" }], startingStep: 1 },
    steps: [{ setWeight: WEIGHT }, { pause: {} }],
  },
};

const ROUTE = {
  apiVersion: "gateway.networking.k8s.io/v1",
  kind: "HTTPRoute",
  metadata: { name: "web", namespace: "default" },
  spec: {
    parentRefs: [{ name: "edge" }],
    rules: [{
      backendRefs: [
        { name: "web-stable", port: 80, weight: 100 },
        { name: "web-canary", port: 80, weight: 0 },
      ],
    }],
  },
};

const TEMPLATE = {
  apiVersion: "argoproj.io/v1alpha1",
  kind: "AnalysisTemplate",
  metadata: { name: "errors", namespace: "default" },
  spec: {
    metrics: [{
      name: "errors",
      interval: `${INTERVAL_S}s`,
      successCondition: "result.errorRatio < 0.05",
      provider: {
        plugin: {
          "coracle.dev/proxy": {
            service: "web-canary",
            set: "canary",
            window: `${INTERVAL_S}s`,
            minRequests: 20,
          },
        },
      },
    }],
  },
};
