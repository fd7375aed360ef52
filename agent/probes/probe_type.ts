import type { ContainerPort } from "../../core/resources/core/pods/spec/containers.ts";
import type { Slots } from "../../core/lib/slots.ts";
import type { Clock } from "../../core/lib/clock.ts";
import type { ContainerRuntime } from "../runtimes/container_runtime.ts";
import type { ConnectionLimits } from "./connection.ts";

/** A way to ask a container how it is, in the kubelet's words (`pkg/probe`). */
export interface ProbeType<Action = unknown> {
  /** The field of a probe that asks for it, e.g. `httpGet`. */
  readonly field: string;
  /** Wait before the question is repeated for the first time, as long as no answer was good. */
  readonly earlyRepeatMs: number;
  /**
   * Asks once. Rejects for what is no answer of the container, such as an unknown port name: that decides nothing.
   * Keeps to the deadline in `limits`, and is over soon after its signal aborts.
   */
  ask(action: Action, target: ProbeTarget, limits: ProbeLimits): Promise<ProbeOutcome>;
}

/** Whom a probe asks. */
export interface ProbeTarget {
  podIP: string;
  containerId: string;
  ports: readonly ContainerPort[];
  /** Variables of the container that are written out in its spec; absent: none. */
  env?: Readonly<Record<string, string>>;
  runtime: Pick<ContainerRuntime, "exec">;
  /** Exec probes wait here for their turn: each costs as much as a container start. */
  execSlots: Slots;
  clock: Pick<Clock, "after" | "elapsed">;
}

/** How long a question may take. */
export interface ProbeLimits {
  timeoutSeconds: number;
  signal: AbortSignal;
}

/** How one question was answered. `error`: it could not be asked, so it says nothing. */
export interface ProbeOutcome {
  result: "success" | "warning" | "failure" | "error";
  output: string;
}

/** The limits of connections that one question makes one after the other, in the time that is left for each. */
export function connectionLimitsOf(
  { timeoutSeconds, signal }: ProbeLimits,
  { clock }: Pick<ProbeTarget, "clock">,
): () => ConnectionLimits {
  const endMs = clock.elapsed() + timeoutSeconds * 1_000;
  return () => ({ clock, signal, timeoutMs: endMs - clock.elapsed() });
}
