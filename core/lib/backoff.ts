/** How long to wait before the nth repetition of what failed. */
export interface Backoff {
  firstMs: number;
  maxMs: number;
  factor: number;
}

/**
 * Milliseconds to wait after `failures` failures in a row: `firstMs` after one, then `factor` times
 * longer each time, never over `maxMs`. Zero failures: no wait.
 */
export function waitMsAfter(failures: number, { firstMs, maxMs, factor }: Backoff): number {
  if (failures <= 0 || firstMs <= 0) return 0;
  return Math.min(maxMs, firstMs * factor ** (failures - 1));
}
