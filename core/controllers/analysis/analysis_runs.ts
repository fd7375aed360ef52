import type { View } from "../../client/client.ts";
import type { Moment } from "../../lib/clock.ts";
import { messageOf } from "../../lib/error_message.ts";
import { analysisRuns } from "../../resources/argoproj/mod.ts";
import { jobs } from "../../resources/batch/jobs.ts";
import {
  keyOf,
  type Loop,
  type LoopRun,
  nameOf,
  NOTHING,
  type Plan,
} from "../runtime/controller.ts";
import { controllerOf } from "../runtime/ownership.ts";
import { type Answer, type Ask, type Measure, measureNothing } from "./measuring.ts";
import { decideRun, type RunDecision } from "./run_decision.ts";
import type { Answered } from "./run_steps.ts";

/**
 * Makes the measurements of AnalysisRuns and assesses them. What is measured by Jobs is written like anything else; all
 * other measurements are asked for outside of the decision, and an answer leads to another look.
 *
 * Guarantees: of a metric of a run at most one measurement is under way, and each is counted once. An answer that was
 * lost, as at a restart of the server, is asked for again. Nothing runs while no run is there that is not finished.
 */
export function analysisRunLoop(measure: Measure = measureNothing): Loop {
  return {
    name: "rollouts-controller",
    workers: 4,
    start: (view, add) => new AnalysisRunsRun(view, { measure, add }),
  };
}

/** A measurement that is being made. */
interface UnderWay {
  ask: Ask;
  askedMs: number;
  controller: AbortController;
}

/** A measurement that has been made: `answeredMs` is that of the look which first saw it. */
type Made = Omit<Answered, "answeredMs"> & { answeredMs: number | undefined };

/** What is known of one run. */
class Watched {
  readonly underWay = new Map<string, UnderWay>();
  readonly made = new Map<string, Made>();

  constructor(readonly uid: string) {}

  /** What has been answered, with the time of the first look at it. */
  answers(nowMs: number): Answered[] {
    return [...this.made].map(([metric, made]) => {
      const answered = { ...made, answeredMs: made.answeredMs ?? nowMs };
      this.made.set(metric, answered);
      return answered;
    });
  }

  abort(reason: string): void {
    for (const { controller } of this.underWay.values()) controller.abort(new Error(reason));
    this.underWay.clear();
  }
}

class AnalysisRunsRun implements LoopRun {
  readonly #view: View;
  readonly #measure: Measure;
  readonly #add: (key: string) => void;
  readonly #watched = new Map<string, Watched>();
  readonly #unsubscribe: readonly (() => void)[];

  constructor(view: View, { measure, add }: { measure: Measure; add: (key: string) => void }) {
    this.#view = view;
    this.#measure = measure;
    this.#add = add;
    this.#unsubscribe = [
      view.subscribe(analysisRuns, ({ object }) => add(keyOf(object.metadata))),
      view.subscribe(jobs, ({ object }) => {
        const owner = controllerOf(object);
        const { namespace } = object.metadata;
        if (owner?.kind === analysisRuns.kind) add(keyOf({ namespace, name: owner.name }));
      }),
    ];
    for (const { metadata } of view.list(analysisRuns)) add(keyOf(metadata));
  }

  reconcile(key: string, { nowMs }: Moment): Plan {
    const run = this.#view.get(analysisRuns, nameOf(key));
    const known = this.#watched.get(key);
    if (known !== undefined && known.uid !== run?.metadata.uid) {
      known.abort("The AnalysisRun is gone");
      this.#watched.delete(key);
    }
    if (run === undefined) return NOTHING;
    const answers = this.#watched.get(key)?.answers(nowMs) ?? [];
    const decision = decideRun(run, { view: this.#view, nowMs, answers });
    this.#follow(key, run.metadata.uid, decision, nowMs);
    const { writes, againAfterMs } = decision;
    return againAfterMs === undefined ? { writes } : { writes, againAfterMs };
  }

  stop(): void {
    this.#unsubscribe.forEach((unsubscribe) => unsubscribe());
    for (const watched of this.#watched.values()) watched.abort("The server stops");
    this.#watched.clear();
  }

  /** Afterwards what the decision asks for is under way and nothing else, and only what it counts is remembered. */
  #follow(key: string, uid: string, { asks, counted }: RunDecision, nowMs: number): void {
    const watched = this.#watched.get(key) ?? new Watched(uid);
    const wanted = new Map(asks.map((ask) => [ask.metric.name, ask]));
    for (const [metric, { ask, controller }] of watched.underWay) {
      if (wanted.get(metric)?.number === ask.number) continue;
      controller.abort(new Error("The measurement is not needed any more"));
      watched.underWay.delete(metric);
    }
    for (const metric of watched.made.keys()) {
      if (!counted.includes(metric)) watched.made.delete(metric); // the status has it, or it is in vain
    }
    for (const [metric, ask] of wanted) {
      if (!watched.underWay.has(metric)) this.#begin(key, watched, ask, nowMs);
    }
    if (watched.underWay.size > 0 || watched.made.size > 0) this.#watched.set(key, watched);
    else this.#watched.delete(key);
  }

  #begin(key: string, watched: Watched, ask: Ask, askedMs: number): void {
    const controller = new AbortController();
    const underWay: UnderWay = { ask, askedMs, controller };
    const metric = ask.metric.name;
    watched.underWay.set(metric, underWay);
    const answered = (answer: Answer) => {
      if (watched.underWay.get(metric) !== underWay) return; // nobody waits for it any more
      watched.underWay.delete(metric);
      watched.made.set(metric, {
        metric,
        number: ask.number,
        answer,
        askedMs,
        answeredMs: undefined,
      });
      this.#add(key);
    };
    const failed = (error: unknown) => answered({ phase: "Error", message: messageOf(error) });
    try {
      this.#measure(ask, controller.signal).then(answered, failed);
    } catch (error) {
      failed(error);
    }
  }
}
