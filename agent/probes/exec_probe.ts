import type { Probe } from "../../core/resources/core/pods/spec/probes.ts";
import { expand } from "../volumes/expansion.ts";
import type { ProbeLimits, ProbeOutcome, ProbeTarget, ProbeType } from "./probe_type.ts";

type ExecAction = NonNullable<Probe["exec"]>;

/**
 * Runs a command in the container: it is well when the command ends with 0. `$(NAME)` stands for a variable that the spec
 * of the container writes out, as for the kubelet.
 */
export const execProbe: ProbeType<ExecAction> = {
  field: "exec",
  earlyRepeatMs: 250, // it costs a hundred times as much as the others
  ask: askByCommand,
};

async function askByCommand(
  action: ExecAction,
  { runtime, containerId, execSlots, env = {} }: ProbeTarget,
  { timeoutSeconds, signal }: ProbeLimits,
): Promise<ProbeOutcome> {
  const command = (action.command ?? []).map((word) => expand(word, env));
  const deadlineMs = timeoutSeconds * 1_000;
  try {
    const { exitCode, output } = await execSlots.use(
      () => runtime.exec(containerId, command, deadlineMs),
      signal,
    );
    return { result: exitCode === 0 ? "success" : "failure", output };
  } catch (error) {
    if (!(error instanceof DOMException) || error.name !== "TimeoutError") throw error;
    const words = command.join(" ");
    const output = `command timed out: "${words}" timed out after ${timeoutSeconds}s`;
    return { result: "failure", output };
  }
}
