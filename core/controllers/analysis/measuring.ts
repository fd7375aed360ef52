import type { Measurement, Metric } from "../../resources/argoproj/mod.ts";

/** One measurement to make. It lives in memory only: `metric` may hold values of secrets, so never log or store it. */
export interface Ask {
  run: AskingRun;
  /** With all of `{{args.x}}` replaced: provider, conditions, name. Never of a Job: the controller runs these itself. */
  metric: Metric;
  /** 1 for the first measurement of this metric in this run. An ask that is repeated has the same number. */
  number: number;
  /** What was last answered to this very ask, when that was `Running`. */
  unfinished?: Measurement;
}

export interface AskingRun {
  namespace: string;
  name: string;
  uid: string;
  labels: Readonly<Record<string, string>>;
}

/** What a provider found out, with the conditions of the metric applied. */
export interface Answer {
  /** `Running`: there is nothing to judge yet, ask again later. */
  phase: "Successful" | "Failed" | "Inconclusive" | "Error" | "Running";
  value?: string;
  message?: string;
  metadata?: Readonly<Record<string, string>>;
  /** Of the metric, not of this measurement, such as the query that was made. */
  metricMetadata?: Readonly<Record<string, string>>;
  /** With `Running`: when to ask again; {@linkcode RESUME_MS} when absent. */
  resumeAfterMs?: number;
}

export const RESUME_MS = 10_000;

/**
 * Makes a measurement. Bounded in time and size, and in how many are made at once: one that waits for its turn is no
 * error. When the signal aborts, nobody waits for the answer any more. A rejection counts as an answer `Error`.
 */
export type Measure = (ask: Ask, signal: AbortSignal) => Promise<Answer>;

/** As where no provider is there. */
export function measureNothing(): Promise<Answer> {
  return Promise.resolve({ phase: "Error", message: "This server makes no measurements" });
}
