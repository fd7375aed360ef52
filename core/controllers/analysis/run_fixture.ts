import { type AnalysisRun, analysisRuns, type Metric } from "../../resources/argoproj/mod.ts";
import type { LoopRun, Plan } from "../runtime/controller.ts";
import { TestCluster } from "../test_cluster.ts";
import { analysisRunLoop } from "./analysis_runs.ts";
import type { Answer, Ask } from "./measuring.ts";

/** An ask that waits for its answer. */
export interface Waiting extends Ask {
  answer(answer: Answer | Error, options?: { settles: boolean }): Promise<void>;
  signal: AbortSignal;
  isAnswered: boolean;
}

/** AnalysisRuns in a cluster for tests: what they ask for is answered by the test. */
export class AnalysisLab {
  readonly cluster = new TestCluster();
  /** All asks that were ever made, in their order. */
  readonly asks: Waiting[] = [];
  #keys = new Set<string>();
  #loop!: LoopRun;
  /** When the loop wants to look again. */
  #dueMs = new Map<string, number>();

  constructor() {
    this.#start();
  }

  #start(): void {
    const loop = analysisRunLoop((ask, signal) => {
      const { promise, resolve, reject } = Promise.withResolvers<Answer>();
      const answer = async (answer: Answer | Error, { settles } = { settles: true }) => {
        waiting.isAnswered = true;
        if (answer instanceof Error) reject(answer);
        else resolve(answer);
        for (let turn = 0; turn < 5; turn++) await Promise.resolve();
        if (settles) this.settle();
      };
      const waiting = { ...ask, answer, signal, isAnswered: false };
      this.asks.push(waiting);
      return promise;
    });
    this.#loop = loop.start(this.cluster, (key) => this.#keys.add(key));
  }

  /** As after a restart of the server: nothing is remembered. */
  restart(): void {
    this.#loop.stop();
    this.#keys.clear();
    this.#dueMs.clear();
    this.#start();
    this.settle();
  }

  create(metrics: readonly Partial<Metric>[], more: object = {}): AnalysisRun {
    const run = this.cluster.put<AnalysisRun>(analysisRuns, {
      metadata: { name: "run", uid: "u" },
      spec: {
        metrics: metrics.map((metric) => ({ name: "m", provider: WEB, ...metric })),
        ...more,
      },
    });
    this.settle();
    return run;
  }

  get run(): AnalysisRun {
    return this.cluster.get(analysisRuns, { namespace: "default", name: "run" })!;
  }

  get phase(): string | undefined {
    return this.run.status?.phase;
  }

  /** The asks that wait. */
  get waiting(): Waiting[] {
    return this.asks.filter(({ signal, isAnswered }) => !signal.aborted && !isAnswered);
  }

  /** Looks until nothing is to be done now. */
  settle(): void {
    for (let looks = 0; looks < 200; looks++) {
      const due = [...this.#dueMs].filter(([, ms]) => ms <= this.cluster.nowMs);
      const [key] = [...this.#keys, ...due.map(([key]) => key)];
      if (key === undefined) return;
      this.#keys.delete(key);
      this.#dueMs.delete(key);
      const plan = this.#loop.reconcile(key, this.cluster.moment);
      this.cluster.perform(plan);
      if (plan.againAfterMs !== undefined) {
        this.#dueMs.set(key, this.cluster.nowMs + plan.againAfterMs);
      }
    }
    throw new Error("The run does not come to rest");
  }

  /** One look, of which nothing is written: as when somebody has changed the run meanwhile. */
  conflict(): Plan {
    return this.#loop.reconcile("default/run", this.cluster.moment);
  }

  /** Time passes. */
  pass(seconds: number): void {
    this.cluster.nowMs += seconds * 1_000;
    this.settle();
  }

  /** Whether nothing will happen by itself. */
  get isIdle(): boolean {
    return this.#dueMs.size === 0 && this.#keys.size === 0;
  }

  /** Answers the next ask. */
  async answer(phase: Answer["phase"] | Error, more: Partial<Answer> = {}): Promise<void> {
    const [waiting] = this.waiting;
    if (waiting === undefined) throw new Error("Nothing is asked for");
    await waiting.answer(phase instanceof Error ? phase : { phase, ...more });
  }
}

export const WEB = { web: { url: "http://metrics" } };
