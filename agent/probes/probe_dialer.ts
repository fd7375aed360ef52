import { ownField } from "../../core/lib/own_field.ts";
import type { Probe } from "../../core/resources/core/pods/spec/probes.ts";
import { PROBE_TYPES } from "./mod.ts";
import type { ProbeOutcome, ProbeTarget, ProbeType } from "./probe_type.ts";

/** Asks a container one question, in the way of the probe's type. Never rejects. */
export async function dialProbe(
  probe: Probe,
  target: ProbeTarget,
  signal: AbortSignal,
): Promise<ProbeOutcome> {
  const type = probeTypeOf(probe);
  if (type === undefined) return { result: "error", output: "missing probe handler" };
  const { timeoutSeconds } = probe;
  try {
    return await type.ask(ownField(probe, type.field), target, { timeoutSeconds, signal });
  } catch (error) { // what is not an answer of the container: an unknown port name, a broken runtime
    return { result: "error", output: error instanceof Error ? error.message : String(error) };
  }
}

/** The type of a probe; `undefined`: none that the agent knows. */
export function probeTypeOf(probe: Probe): ProbeType | undefined {
  return PROBE_TYPES.find(({ field }) => ownField(probe, field) !== undefined);
}
