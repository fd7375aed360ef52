import { InvalidArgumentError } from "commander";
import { durationMsOf } from "../../core/schema/durations.ts";

/** `60`. */
export function secondsOf(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("It must be a number of seconds, such as 60.");
}

/** `60s`, `5m`, in milliseconds. */
export function durationOf(text: string): number {
  try {
    return durationMsOf(text);
  } catch {
    throw new InvalidArgumentError("It must be a time with a unit, such as 60s, 5m or 1h.");
  }
}
