import type { View } from "../client/client.ts";
import type { Clock } from "../lib/clock.ts";
import { Slots } from "../lib/slots.ts";
import { type Node, nodes } from "../resources/core/nodes/nodes.ts";
import { pods } from "../resources/core/pods/pods.ts";
import { mirrorHashOf } from "../resources/core/pods/static_pods.ts";
import type { KubeObject } from "../resources/resource.ts";
import type { NodeReport, PodReport } from "./node_report.ts";
import { nodeMetricsOf, podMetricsOf } from "./resource_usage.ts";

/** Who measures a node of this process. */
export interface UsageSource {
  /** Resolves at once when somebody has asked a moment ago; else after the time that rates need. */
  report(detail?: ReportDetail): Promise<NodeReport>;
}

export interface ReportDetail {
  /** Whether to measure the files of pods, too, which takes a while. */
  withFiles: boolean;
}

/** How old the last report of a node elsewhere may be. */
const REPORT_AGE_MS_MAX = 150_000;
/** How long after a question agents elsewhere report as often as they can. */
const ASKED_MS = 300_000;
/** How often they do, and how often when nobody asks. */
const REPORT_MS = 15_000;
const IDLE_REPORT_MS = 60_000;

export interface ClusterUsageOptions {
  view: Pick<View, "get" | "list">;
  clock: Clock;
  /** Those in this process, by the names of their nodes. */
  sources: ReadonlyMap<string, UsageSource>;
  /** Those that are asked through the tunnel of their node, while there is one. */
  remote?(node: string): UsageSource | undefined;
}

/** How long what an agent elsewhere has said holds: shorter than the period of those who ask again and again. */
const HOLD_MS = 10_000;
/** Agents elsewhere that are asked at the same time. */
const ASKED_MAX = 64;

/**
 * What all nodes and pods use. Agents in this process are asked, and those elsewhere through their tunnels; what these have
 * said is kept for a while, also for when they cannot be asked. Agents without a tunnel send reports instead.
 * Nothing is measured while nobody asks, but by nodes without a tunnel once a minute.
 */
export class ClusterUsage {
  readonly #options: ClusterUsageOptions;
  readonly #sent = new Map<string, { report: NodeReport; takenMs: number }>();
  readonly #turns = new Slots(ASKED_MAX);
  /** What is being asked for, by node. */
  readonly #asking = new Map<string, Promise<NodeReport>>();
  #askedMs = -Infinity;

  constructor(options: ClusterUsageOptions) {
    this.#options = options;
  }

  /** `undefined`: nothing is known of the node. */
  async reportOf(node: string, detail?: ReportDetail): Promise<NodeReport | undefined> {
    const { sources, clock } = this.#options;
    this.#askedMs = clock.elapsed();
    const source = sources.get(node);
    if (source) return await source.report(detail);
    const remote = this.#options.remote?.(node);
    if (remote === undefined) return this.#sentWithin(node, REPORT_AGE_MS_MAX);
    const known = detail?.withFiles ? undefined : this.#sentWithin(node, HOLD_MS);
    return known ?? await this.#ask(node, remote, detail);
  }

  #sentWithin(node: string, ageMs: number): NodeReport | undefined {
    const sent = this.#sent.get(node);
    const isYoung = sent !== undefined && this.#options.clock.elapsed() - sent.takenMs <= ageMs;
    return isYoung ? sent.report : undefined;
  }

  /** Asks once for all who want the same. What was known of a node that does not answer holds for a while. */
  async #ask(
    node: string,
    source: UsageSource,
    detail: ReportDetail = { withFiles: false },
  ): Promise<NodeReport | undefined> {
    const key = `${node} ${detail.withFiles}`;
    const begin = () =>
      this.#turns.use(() => source.report(detail)).finally(() => this.#asking.delete(key));
    const asking = this.#asking.get(key) ?? begin();
    this.#asking.set(key, asking);
    try {
      const report = await asking;
      this.#keep(report);
      return report;
    } catch {
      return this.#sentWithin(node, REPORT_AGE_MS_MAX); // that it cannot be asked is seen by the node's conditions
    }
  }

  /** Takes a report of a node elsewhere. Returns when the next one is wanted. */
  take(report: NodeReport): { nextMs: number } {
    this.#keep(report);
    const askedAgoMs = this.#options.clock.elapsed() - this.#askedMs;
    return { nextMs: askedAgoMs < ASKED_MS ? REPORT_MS : IDLE_REPORT_MS };
  }

  #keep(report: NodeReport): void {
    const { clock, view } = this.#options;
    this.#sent.set(report.node, { report, takenMs: clock.elapsed() });
    for (const name of this.#sent.keys()) {
      if (view.get(nodes, { name }) === undefined) this.#sent.delete(name);
    }
  }

  /** The objects of `metrics.k8s.io`, sorted by name. */
  async metrics(of: "nodes" | "pods"): Promise<KubeObject[]> {
    const all = this.#options.view.list(nodes);
    const reports = await Promise.all(all.map(({ metadata }) => this.reportOf(metadata.name)));
    const found = reports.flatMap((report, i) =>
      report === undefined ? [] : of === "nodes" ? nodeOf(report, all[i]!) : this.#podsOf(report)
    );
    return found.toSorted((a, b) => keyOf(a) < keyOf(b) ? -1 : 1);
  }

  #podsOf(report: NodeReport): KubeObject[] {
    return report.pods.flatMap((pod) => this.#podOf(report, pod) ?? []);
  }

  /** Only of pods that run, on that node: a report of a node says nothing about those of others. */
  #podOf(report: NodeReport, pod: PodReport): KubeObject | undefined {
    const { name, namespace, uid } = pod;
    const found = this.#options.view.get(pods, { namespace, name });
    const isOurs = found?.spec.nodeName === report.node &&
      (found.metadata.uid === uid || mirrorHashOf(found) === uid);
    if (!isOurs || found.status.phase !== "Running") return undefined;
    return podMetricsOf(report, pod, found.metadata.labels);
  }
}

function nodeOf(report: NodeReport, { metadata: { labels } }: Node): KubeObject[] {
  const metrics = nodeMetricsOf(report, labels);
  return metrics ? [metrics] : [];
}

function keyOf({ metadata: { namespace = "", name } }: KubeObject): string {
  return `${namespace}/${name}`;
}
