import type { Observation } from "./event.ts";
import type { RotationLimits } from "./rotating_file.ts";

/** To the thread that writes: first where to, then what, and nothing more until it has answered. */
export type ToWriter = { open: { path: string; limits: RotationLimits } } | {
  write: readonly Observation[];
};

/** From it: all has been written, or why it has not. */
export interface FromWriter {
  problem?: string;
}
