const DAY_MS = 86_400_000;
export const ADMIN_LIFE_MS = 365 * DAY_MS;
/** As long as a box may lie in a drawer. A node's certificate can be revoked at any time. */
export const NODE_LIFE_MS = 10 * 365 * DAY_MS;
/** No clock that shows less is right: this code was not written yet. */
export const EARLIEST_NOW_MS = Date.parse("2026-11-01T00:00:00Z");
/** What a certificate may live longer than one of today: clocks of servers differ. */
const TOLERANCE_MS = DAY_MS;

/**
 * When a certificate ends that is issued now. A clock that is behind, as in a box without a battery, shows a time
 * before this code was written: then that counts, and the certificate may end early, and is renewed once the clock is
 * right. One that is ahead makes a certificate that lives too long: that is renewed, too, see {@linkcode isDue}.
 */
export function endOfLife(nowMs: number, lifeMs: number): number {
  return Math.max(nowMs, EARLIEST_NOW_MS) + lifeMs;
}

/** Whether a certificate should be replaced: two thirds of its life are over, or it lives longer than any issued now. */
export function isDue(notAfterMs: number, nowMs: number, lifeMs: number): boolean {
  const endsMs = endOfLife(nowMs, lifeMs);
  const leftMs = notAfterMs - (endsMs - lifeMs);
  return leftMs < lifeMs / 3 || notAfterMs > endsMs + TOLERANCE_MS;
}
