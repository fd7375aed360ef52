import type { KeptStatuses } from "./kept_statuses.ts";

/** What becomes of reports while the API cannot be reached. */
export interface Reporting {
  /** Where statuses of pods are kept that cannot be written; absent: nowhere. */
  readonly keptStatuses?: KeptStatuses;
  /** Calls `listener` when the API answers again after it did not. Returns the stop. */
  onRestored?(listener: () => void): () => void;
}
