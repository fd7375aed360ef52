import type { View } from "../../core/client/client.ts";
import {
  type KubeletAnswer,
  type KubeletApi,
  type KubeletRequest,
  textAnswer,
} from "../../core/client/nodes/kubelet_api.ts";
import { ownField } from "../../core/lib/own_field.ts";
import { type Pod, pods } from "../../core/resources/core/pods/pods.ts";
import type { UsageSource } from "../../core/usage/cluster_usage.ts";
import { EXPOSITION_TYPE } from "../../core/usage/exposition.ts";
import {
  cadvisorMetrics,
  probeMetrics,
  resourceMetrics,
} from "../../core/usage/kubelet_metrics.ts";
import type { NodeReport } from "../../core/usage/node_report.ts";
import { summaryOf } from "../../core/usage/summary.ts";
import type { ContainerState } from "../runtimes/container_runtime.ts";
import { type ConfiguredAgent, kubeletConfiguration } from "./configuration.ts";
import { agentMetrics } from "./agent_metrics.ts";

export interface KubeletRoutesOptions {
  nodeName: string;
  view: Pick<View, "by">;
  /** Absent: what is used is not known. */
  usage?: UsageSource;
  /** What the runtime has. */
  containers(): readonly ContainerState[];
  configured: ConfiguredAgent;
}

type Route = (
  options: KubeletRoutesOptions,
  query: URLSearchParams,
) => KubeletAnswer | Promise<KubeletAnswer>;

/** Every route by its path. Source: `pkg/kubelet/server/server.go`. Logs and commands of containers go another way. */
const ROUTES: Readonly<Record<string, Route>> = {
  "/healthz": ok,
  "/healthz/ping": ok,
  "/healthz/log": ok,
  "/healthz/syncloop": ok,
  "/pods": (options) => json(podList(ownPods(options))),
  "/runningpods": (options) => json(podList(runningPods(options))),
  "/configz": ({ configured }) => json({ kubeletconfig: kubeletConfiguration(configured) }),
  "/stats/summary": async (options, query) => {
    const isShort = query.get("only_cpu_and_memory") === "true";
    return await measured(options, (report) => json(summaryOf(report, { isShort })), !isShort);
  },
  "/metrics": (options) => metrics(agentMetrics({ ...options, pods: runningPods(options).length })),
  "/metrics/resource": (options) => measured(options, (report) => metrics(resourceMetrics(report))),
  "/metrics/cadvisor": (options) => measured(options, (report) => metrics(cadvisorMetrics(report))),
  "/metrics/probes": (options) => measured(options, (report) => metrics(probeMetrics(report))),
  // As with `enableSystemLogHandler`, `enableDebugFlagsHandler` and `enableProfilingHandler` off: they tell of the machine.
  "/logs": () => disabled("logs endpoint is disabled."),
  "/debug/flags/v": () => disabled("flags endpoint is disabled."),
  "/debug/pprof": () => disabled("profiling endpoint is disabled."),
};

const PLAIN_TYPE = "text/plain; charset=utf-8";

/** What an agent answers where others ask a kubelet. */
export class KubeletRoutes implements KubeletApi {
  readonly #options: KubeletRoutesOptions;

  constructor(options: KubeletRoutesOptions) {
    this.#options = options;
  }

  async ask({ path, query }: KubeletRequest, _signal?: AbortSignal): Promise<KubeletAnswer> {
    const folder = Object.keys(ROUTES).find((each) =>
      path.startsWith(`${each}/`) && /^\/(logs|debug\/)/.test(each)
    );
    const route = ownField(ROUTES, folder ?? path);
    if (route === undefined) return textAnswer(404, PLAIN_TYPE, "404 page not found\n");
    return await route(this.#options, new URLSearchParams(query));
  }
}

function ok(): KubeletAnswer {
  return textAnswer(200, PLAIN_TYPE, "ok");
}

function json(value: unknown): KubeletAnswer {
  return textAnswer(200, "application/json", JSON.stringify(value));
}

function metrics(text: string): KubeletAnswer {
  return textAnswer(200, EXPOSITION_TYPE, text);
}

function disabled(words: string): KubeletAnswer {
  return textAnswer(405, PLAIN_TYPE, `${words}\n`);
}

async function measured(
  { usage }: KubeletRoutesOptions,
  answer: (report: NodeReport) => KubeletAnswer,
  withFiles = false,
): Promise<KubeletAnswer> {
  if (usage === undefined) {
    return textAnswer(503, PLAIN_TYPE, "what this machine uses cannot be measured\n");
  }
  return answer(await usage.report({ withFiles }));
}

function podList(items: readonly object[]): object {
  return { kind: "PodList", apiVersion: "v1", metadata: {}, items };
}

function ownPods({ view, nodeName }: KubeletRoutesOptions): readonly Pod[] {
  return view.by(pods, "node", nodeName);
}

/** As the runtime knows them. */
function runningPods({ containers }: KubeletRoutesOptions): readonly object[] {
  const running = containers().filter(({ state }) => state === "running");
  return [...Map.groupBy(running, ({ podUid }) => podUid)].map(([uid, [first, ...more]]) => ({
    metadata: { name: first!.podName, namespace: first!.podNamespace, uid },
    spec: { containers: [first!, ...more].map(({ name }) => ({ name, resources: {} })) },
    status: {},
  }));
}
