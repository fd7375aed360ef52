import type { Container } from "../../core/resources/core/pods/spec/containers.ts";
import type { Probe } from "../../core/resources/core/pods/spec/probes.ts";
import { probeTypeOf } from "./probe_dialer.ts";
import type { ProbeOutcome } from "./probe_type.ts";
import { ENDED } from "../../core/lib/abort.ts";
import type { Clock } from "../../core/lib/clock.ts";

/** What the probes say of one run. */
export interface Health {
  readonly containerId: string;
  readonly started: boolean;
  readonly ready: boolean;
  /** The probe for whose sake the run must end. */
  readonly failed?: "liveness" | "startup";
}

export type ProbeKind = "startup" | "liveness" | "readiness";

/** Asks one question. Keeps to `timeoutSeconds`; never rejects. */
export type ProbeCheck = (probe: Probe, signal: AbortSignal) => Promise<ProbeOutcome>;

export interface ProbesOptions {
  container: Container;
  startedAtMs: number;
  /** What is known at the beginning, e.g. from before a restart of the agent. */
  health: Health;
  clock: Clock;
  check: ProbeCheck;
  /** Called with each change. */
  onHealth(health: Health): void;
  /** Called with each failure and error but those of early questions, and with each warning. */
  onOutcome(kind: ProbeKind, outcome: ProbeOutcome): void;
  /** Called with each answer. */
  onAnswer?(kind: ProbeKind, result: ProbeOutcome["result"]): void;
}

/**
 * The probes of one run of a container.
 *
 * They keep to the periods and thresholds of Kubernetes, with one refinement: readiness and startup are also
 * asked between the periods until they first succeed, so that a program that is up after 80 ms is not taken
 * for unready for seconds. Such an early answer counts when it is good; a bad one is not counted.
 *
 * https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/
 */
export class Probes {
  readonly #options: ProbesOptions;
  readonly #stop = new AbortController();
  /** Of the questions that are due. */
  readonly #cancels = new Map<ProbeKind, () => void>();
  #health: Health;
  #endIsExpected = false;

  constructor(options: ProbesOptions) {
    this.#options = options;
    this.#health = options.health;
    const { startupProbe } = options.container;
    if (startupProbe && !this.#health.started) this.#watch("startup", startupProbe);
    else this.#watchStarted();
  }

  /** The container is to end: what would start it anew is not asked any more; whether it is ready still is. */
  expectEnd(): void {
    this.#endIsExpected = true;
    for (const [kind, cancel] of this.#cancels) if (kind !== "readiness") cancel();
  }

  /** Stops asking. Later answers are not reported. */
  stop(): void {
    this.#stop.abort(ENDED);
    for (const cancel of this.#cancels.values()) cancel();
  }

  #watchStarted(): void {
    const { livenessProbe, readinessProbe } = this.#options.container;
    if (livenessProbe) this.#watch("liveness", livenessProbe);
    if (readinessProbe) this.#watch("readiness", readinessProbe);
  }

  #watch(kind: ProbeKind, probe: Probe): void {
    const { clock, startedAtMs, check, onOutcome, onAnswer } = this.#options;
    const ageMs = Math.max(0, clock.now() - startedAtMs);
    const waitMs = (probe.initialDelaySeconds ?? 0) * 1_000 - ageMs;
    const firstMs = clock.elapsed() + Math.max(0, waitMs);
    let schedule: ProbeSchedule = {
      firstMs,
      dueMs: firstMs,
      repeatMs: earlyRepeatMs(kind, probe),
    };
    let tally: Tally = { verdict: this.#verdictOf(kind), answer: undefined, consecutive: 0 };
    const ask = async (isCounted: boolean) => {
      const outcome = await check(probe, this.#stop.signal);
      if (this.#stop.signal.aborted) return;
      onAnswer?.(kind, outcome.result);
      const isBad = outcome.result === "failure" || outcome.result === "error";
      if (outcome.result === "warning" || (isCounted && isBad)) onOutcome(kind, outcome);
      const next = afterAnswer(tally, outcome, { probe, isCounted });
      const hasChanged = next.verdict !== tally.verdict;
      tally = next;
      if (hasChanged) this.#conclude(kind, tally.verdict);
      const isOver = kind !== "readiness" &&
        tally.verdict === (kind === "startup" ? "good" : "bad");
      if (!isOver && !this.#stop.signal.aborted) plan();
    };
    const plan = () => {
      const due = nextQuestion(schedule, probe, clock.elapsed(), tally.verdict === "good");
      schedule = due.schedule;
      this.#at(kind, due.atMs, () => ask(due.isCounted));
    };
    // Early questions are not counted; a question about liveness always is.
    this.#at(kind, firstMs, () => ask(kind === "liveness" || tally.verdict === "good"));
  }

  #at(kind: ProbeKind, atMs: number, act: () => Promise<void>): void {
    const { clock } = this.#options;
    this.#cancels.set(kind, clock.after(atMs - clock.elapsed(), act));
  }

  #verdictOf(kind: ProbeKind): Tally["verdict"] {
    switch (kind) {
      case "startup":
        return "open";
      case "liveness":
        return "good";
      case "readiness":
        return this.#health.ready ? "good" : "open";
    }
  }

  #conclude(kind: ProbeKind, verdict: Tally["verdict"]): void {
    if (kind === "readiness") this.#report({ ready: verdict === "good" });
    else if (verdict === "bad") {
      this.stop();
      this.#report({ failed: kind, ready: false });
    } else if (kind === "startup") {
      this.#report({ started: true, ready: !this.#options.container.readinessProbe });
      this.#watchStarted();
    }
  }

  #report(change: Partial<Health>): void {
    this.#health = { ...this.#health, ...change };
    this.#options.onHealth(this.#health);
  }
}

/** The health of a run that has just started. */
export function initialHealth(containerId: string, container: Container): Health {
  const started = !container.startupProbe;
  return { containerId, started, ready: started && !container.readinessProbe };
}

/** What the answers so far amount to. `open`: no threshold was reached yet. */
export interface Tally {
  readonly verdict: "open" | "good" | "bad";
  readonly answer: "success" | "failure" | undefined;
  /** How often `answer` came in a row. */
  readonly consecutive: number;
}

/** Counts one more answer, as the kubelet's prober worker does. Pure. */
export function afterAnswer(
  tally: Tally,
  { result }: ProbeOutcome,
  { probe, isCounted }: { probe: Probe; isCounted: boolean },
): Tally {
  if (result === "error" || (result === "failure" && !isCounted)) return tally;
  const answer = result === "failure" ? "failure" : "success";
  const consecutive = tally.answer === answer ? tally.consecutive + 1 : 1;
  const threshold = answer === "success" ? probe.successThreshold : probe.failureThreshold;
  if (consecutive < threshold) return { ...tally, answer, consecutive };
  return { verdict: answer === "success" ? "good" : "bad", answer, consecutive };
}

/** When questions are due, by `Clock.elapsed`. */
export interface ProbeSchedule {
  readonly firstMs: number;
  /** When the last question was due. */
  readonly dueMs: number;
  /** Wait before the next early question; `undefined`: there are none. */
  readonly repeatMs: number | undefined;
}

/**
 * The next question: at the next full period since the first, or earlier while it is eager. A period that has
 * begun while the last question was being answered is asked for at once, as the kubelet's ticker keeps one tick. Pure.
 */
export function nextQuestion(
  schedule: ProbeSchedule,
  { periodSeconds }: Probe,
  nowMs: number,
  hasSucceeded: boolean,
): { atMs: number; isCounted: boolean; schedule: ProbeSchedule } {
  const periodMs = periodSeconds * 1_000;
  const { firstMs, dueMs, repeatMs } = schedule;
  const periodOf = (ms: number) => Math.floor((ms - firstMs) / periodMs);
  const isLate = periodOf(nowMs) > periodOf(dueMs);
  const atMs = isLate ? nowMs : firstMs + (periodOf(dueMs) + 1) * periodMs;
  if (hasSucceeded || repeatMs === undefined || nowMs + repeatMs >= atMs) {
    const next = { firstMs, dueMs: atMs, repeatMs: hasSucceeded ? undefined : repeatMs };
    return { atMs, isCounted: true, schedule: next };
  }
  const earlyMs = nowMs + repeatMs;
  return {
    atMs: earlyMs,
    isCounted: false,
    schedule: { firstMs, dueMs: earlyMs, repeatMs: repeatMs * 2 },
  };
}

/** Before the first good answer the question is repeated this soon, then twice as late each time. */
function earlyRepeatMs(kind: ProbeKind, probe: Probe): number | undefined {
  return kind === "liveness" ? undefined : probeTypeOf(probe)?.earlyRepeatMs;
}
