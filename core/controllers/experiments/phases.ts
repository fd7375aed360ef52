import { isWorse } from "../analysis/metric_assessment.ts";

/** Of an experiment, an analysis or a measurement; empty before it has begun. */
export type Phase = string;

/** From best to worst. Argo Rollouts: `utils/experiment/experiment.go`. */
const TEMPLATE_ORDER: readonly Phase[] = [
  "Successful",
  "Running",
  "Progressing",
  "Error",
  "Failed",
];
const ENDED: ReadonlySet<Phase | undefined> = new Set([
  "Successful",
  "Failed",
  "Error",
  "Inconclusive",
]);
const BAD: ReadonlySet<Phase | undefined> = new Set(["Failed", "Error", "Inconclusive"]);

/** Whether nothing will change it any more. */
export function isEnded(phase: Phase | undefined): boolean {
  return ENDED.has(phase);
}

/** Whether it has ended, and not well. */
export function isBad(phase: Phase | undefined): boolean {
  return BAD.has(phase);
}

/** A phase, and why. */
export interface Judgement {
  readonly phase: Phase;
  readonly message: string;
}

/** The worst of some; the first of several that are equally bad; `Successful` without any. */
export function worstOf(
  kind: "runs" | "templates",
  all: readonly { phase: Phase | undefined; message?: string | undefined }[],
): Judgement {
  return all.reduce<Judgement>(
    (worst, { phase = "", message = "" }) =>
      isWorseOf[kind](phase, worst.phase) ? { phase, message } : worst,
    { phase: "Successful", message: "" },
  );
}

const isWorseOf = {
  runs: isWorse,
  templates: (phase: Phase, than: Phase) =>
    TEMPLATE_ORDER.indexOf(phase) > TEMPLATE_ORDER.indexOf(than),
};
