/** How long to wait before the nth retry. */
export interface Backoff {
  firstMs: number;
  maxMs: number;
  factor: number;
}

/**
 * Milliseconds to wait after `failures` failures in a row: `firstMs` after one, then `factor` times
 * longer each time, at most `maxMs`; 0 without failures.
 */
export function waitMsAfter(failures: number, { firstMs, maxMs, factor }: Backoff): number {
  if (failures <= 0 || firstMs <= 0) return 0;
  return Math.min(maxMs, firstMs * factor ** (failures - 1));
}
