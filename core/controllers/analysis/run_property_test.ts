import assert from "node:assert/strict";
import fc from "fast-check";
import { analysisRuns } from "../../resources/argoproj/mod.ts";
import type { Metric, MetricResult } from "../../resources/argoproj/mod.ts";
import { msOf } from "../../lib/timestamp.ts";
import { AnalysisLab, type Waiting } from "./run_fixture.ts";

type Phase = "Successful" | "Failed" | "Inconclusive" | "Error";

const metrics = fc.uniqueArray(
  fc.record({
    name: fc.constantFrom("a", "b", "dry"),
    interval: fc.constant("20s"),
    count: fc.option(fc.integer({ min: 4, max: 8 }), { nil: undefined }),
    failureLimit: fc.constantFrom(undefined, 0, 1, 2, "1"),
    inconclusiveLimit: fc.constantFrom(undefined, 0, 1, 3),
    consecutiveErrorLimit: fc.constantFrom(undefined, 0, 1),
    consecutiveSuccessLimit: fc.constantFrom(undefined, 0, 1, 2),
    initialDelay: fc.constantFrom(undefined, "15s"),
  }, { requiredKeys: ["name", "interval"] }),
  { selector: ({ name }) => name, minLength: 1, maxLength: 3 },
).map((all) => all.map(present));

/** Without what is absent: an object of the API has no `undefined`. */
function present(metric: object): Partial<Metric> & { name: string } {
  const entries = Object.entries(metric).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as Partial<Metric> & { name: string };
}

type Action =
  | { do: "answer"; which: number; phase: Phase }
  | { do: "pass" | "restart" | "terminate"; which: number }
  | { do: "unfinished"; which: number };

const actions: fc.Arbitrary<Action[]> = fc.array(
  fc.oneof(
    {
      weight: 12,
      arbitrary: fc.record({
        do: fc.constant("answer" as const),
        which: fc.nat(2),
        phase: fc.constantFrom<Phase>(
          "Successful",
          "Successful",
          "Failed",
          "Inconclusive",
          "Error",
        ),
      }),
    },
    { weight: 6, arbitrary: fc.constant({ do: "pass" as const, which: 0 }) },
    { weight: 2, arbitrary: fc.constant({ do: "restart" as const, which: 0 }) },
    {
      weight: 2,
      arbitrary: fc.record({ do: fc.constant("unfinished" as const), which: fc.nat(2) }),
    },
    { weight: 1, arbitrary: fc.constant({ do: "terminate" as const, which: 0 }) },
  ),
  { maxLength: 40 },
);

/** What was answered about a metric, by hand: everything is counted anew from the whole history each time. */
class Model {
  readonly histories = new Map<string, Phase[]>();
  isTerminated = false;

  constructor(readonly metrics: readonly (Partial<Metric> & { name: string })[]) {
    for (const { name } of metrics) this.histories.set(name, []);
  }

  /** How a metric has ended; `undefined`: it goes on. */
  verdict(metric: Partial<Metric> & { name: string }): Phase | undefined {
    const history = this.histories.get(metric.name)!;
    const number = (value: number | string | undefined, fallback = 0) => Number(value ?? fallback);
    const all = (phase: Phase) => history.filter((each) => each === phase).length;
    const tail = (phase: Phase) =>
      history.length - 1 - history.findLastIndex((each) => each !== phase);
    if (tail("Error") > number(metric.consecutiveErrorLimit, 4)) return "Error";
    if (all("Inconclusive") > number(metric.inconclusiveLimit)) return "Inconclusive";
    if (all("Failed") > number(metric.failureLimit)) return "Failed";
    const inARow = number(metric.consecutiveSuccessLimit);
    if (inARow > 0 && tail("Successful") >= inARow) return "Successful";
    const counted = history.length - all("Error");
    if (metric.count === undefined || counted < number(metric.count)) return undefined;
    return inARow > 0 ? "Inconclusive" : "Successful";
  }

  get phase(): Phase | "Running" {
    const real = this.metrics.filter(({ name }) => name !== "dry").map((each) =>
      this.verdict(each)
    );
    const bad = (["Failed", "Error", "Inconclusive"] as const).find((each) => real.includes(each));
    if (bad) return bad;
    const isOver = this.metrics.every((each) => this.verdict(each) !== undefined);
    return isOver || this.isTerminated ? "Successful" : "Running";
  }
}

class Trial {
  readonly lab = new AnalysisLab();
  readonly model: Model;

  constructor(metrics: readonly (Partial<Metric> & { name: string })[]) {
    this.model = new Model(metrics);
    const hasDryRun = metrics.some(({ name }) => name === "dry");
    this.lab.create(metrics, hasDryRun ? { dryRun: [{ metricName: "^dry$" }] } : {});
  }

  /** What waits for an answer. */
  get waiting(): Waiting[] {
    return this.lab.asks.filter(({ signal, isAnswered }) => !signal.aborted && !isAnswered);
  }

  async act(action: Action): Promise<void> {
    const { lab, model } = this;
    if (action.do === "answer" && this.waiting.length === 0) lab.pass(20);
    const { waiting } = this;
    const ask = waiting[action.which % Math.max(1, waiting.length)];
    if (action.do === "pass") return lab.pass(20);
    if (action.do === "restart") return lab.restart();
    if (action.do === "terminate") {
      if (model.phase === "Running") model.isTerminated = true;
      lab.cluster.put(analysisRuns, { ...lab.run, spec: { ...lab.run.spec, terminate: true } });
      return lab.settle();
    }
    if (ask === undefined) return;
    if (action.do !== "answer") return await ask.answer({ phase: "Running" });
    assert(model.phase === "Running", "nothing is measured after the end");
    model.histories.get(ask.metric.name)!.push(action.phase);
    await ask.answer({ phase: action.phase });
  }

  check(): void {
    const { lab, model, waiting } = this;
    const { status } = lab.run;
    assert.equal(status!.phase, model.phase);
    const names = waiting.map(({ metric }) => metric.name);
    assert.equal(new Set(names).size, names.length, "a metric is measured twice at once");
    for (const { metric, number } of waiting) {
      const history = model.histories.get(metric.name)!;
      assert.equal(number, history.length + 1, "numbers have no gaps and do not repeat");
      assert.equal(
        model.verdict(model.metrics.find(({ name }) => name === metric.name)!),
        undefined,
      );
    }
    if (model.phase !== "Running") {
      assert.deepEqual(waiting, [], "nothing is measured after the end");
      assert(lab.isIdle, "a run that has ended waits for nothing");
      assert(status!.completedAt !== undefined);
    }
    for (const result of status!.metricResults ?? []) this.#checkResult(result);
  }

  #checkResult(result: MetricResult): void {
    const history = this.model.histories.get(result.name)!;
    const count = (phase: Phase) => history.filter((each) => each === phase).length;
    const { successful = 0, failed = 0, inconclusive = 0, error = 0 } = result;
    const terminated = result.measurements!.filter(({ message }) =>
      message === "Metric Terminated"
    );
    assert.equal(successful, count("Successful") + terminated.length);
    assert.deepEqual([failed, inconclusive, error], [
      count("Failed"),
      count("Inconclusive"),
      count("Error"),
    ]);
    assert.equal(result.count ?? 0, successful + failed + inconclusive);
    const kept = result.measurements!.filter(({ finishedAt, message }) =>
      finishedAt !== undefined && message !== "Metric Terminated"
    );
    assert(result.measurements!.length <= 10);
    assert.deepEqual(kept.map(({ phase }) => phase), history.slice(history.length - kept.length));
    this.#checkTimes(result);
  }

  /** Measurements are an interval apart, or ten seconds after an error. */
  #checkTimes({ measurements = [] }: MetricResult): void {
    for (const [index, { startedAt }] of measurements.slice(1).entries()) {
      const before = measurements[index]!;
      const restMs = msOf(startedAt) - msOf(before.finishedAt);
      assert(restMs >= (before.phase === "Error" ? 10_000 : 20_000));
    }
  }
}

Deno.test("whatever is answered and in whatever order, over restarts of the server: a run is what a count by hand makes of it", async () => {
  await fc.assert(
    fc.asyncProperty(metrics, actions, async (metrics, actions) => {
      const trial = new Trial(metrics);
      trial.check();
      for (const action of actions) {
        await trial.act(action);
        trial.check();
      }
    }),
    { numRuns: 400 },
  );
});

Deno.test("a run whose measurements are answered comes to its end", async () => {
  await fc.assert(
    fc.asyncProperty(metrics, actions, async (given, actions) => {
      const trial = new Trial(given.map((metric) => ({ count: 8, ...metric })));
      for (const action of actions) await trial.act(action);
      for (let round = 0; round < 60 && trial.model.phase === "Running"; round++) {
        trial.lab.pass(20);
        await trial.act({ do: "answer", which: round, phase: "Successful" });
      }
      trial.check();
      assert.notEqual(trial.lab.phase, "Running");
    }),
    { numRuns: 200 },
  );
});
