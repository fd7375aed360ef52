/** Of an experiment, an analysis or a measurement; empty before it has begun. */
export type Phase = string;

/** From best to worst. Argo Rollouts: `utils/analysis/helpers.go`. */
const RUN_ORDER: readonly Phase[] = [
  "Successful",
  "Running",
  "Pending",
  "Inconclusive",
  "Error",
  "Failed",
];
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
  const order = kind === "runs" ? RUN_ORDER : TEMPLATE_ORDER;
  const rankOf = (phase = "") => Math.max(0, order.indexOf(phase));
  return all.reduce<Judgement>(
    (worst, { phase = "", message = "" }) =>
      rankOf(phase) > rankOf(worst.phase) ? { phase, message } : worst,
    { phase: "Successful", message: "" },
  );
}
