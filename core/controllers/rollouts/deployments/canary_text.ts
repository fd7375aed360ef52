import { DurationError, durationMsOf } from "../../../schema/durations.ts";
import type { CanaryStep } from "../../../resources/argoproj/mod.ts";

/** How long a weight is kept where nothing else is said. */
export const PAUSE_SECONDS_DEFAULT = 60;
const STEPS_MAX = 50;
const EXAMPLE = `it must be weights such as "10%,30%:5m,60%:pause"`;

/** Steps, or why there are none. */
export type Read<T> = { value: T } | { causes: string[] };

/**
 * The steps in the annotation `coracle.dev/canary`: weights, each kept for a minute or for the time behind it;
 * `pause` keeps it until somebody promotes the rollout.
 */
export function stepsIn(text: string): Read<CanaryStep[]> {
  const parts = text.split(",").map((part) => part.trim());
  if (parts.length > STEPS_MAX) return { causes: [`there are more than ${STEPS_MAX} weights`] };
  const read = parts.map(stepIn);
  const causes = read.flatMap((each) => "causes" in each ? each.causes : []);
  if (causes.length > 0) return { causes };
  return { value: read.flatMap((each) => "value" in each ? each.value : []) };
}

function stepIn(part: string): Read<CanaryStep[]> {
  const match = part.match(/^(\d{1,3})%(?::([\w.]+))?$/);
  if (!match) return { causes: [`cannot read "${part}": ${EXAMPLE}`] };
  const setWeight = Number(match[1]);
  if (setWeight > 100) return { causes: [`"${part}" is more than 100%`] };
  const pause = pauseIn(match[2]);
  if ("causes" in pause) return { causes: pause.causes.map((cause) => `${cause} in "${part}"`) };
  return { value: [{ setWeight }, { pause: pause.value }] };
}

function pauseIn(text: string | undefined): Read<NonNullable<CanaryStep["pause"]>> {
  if (text === "pause") return { value: {} };
  if (text === undefined) return { value: { duration: PAUSE_SECONDS_DEFAULT } };
  try {
    const seconds = Math.ceil(durationMsOf(text) / 1_000);
    if (seconds > 0) return { value: { duration: seconds } };
    return { causes: [`"${text}" is no time`] };
  } catch (error) {
    if (!(error instanceof DurationError)) throw error;
    return { causes: [`cannot read the time "${text}", such as 30s, 5m or 1h,`] };
  }
}
