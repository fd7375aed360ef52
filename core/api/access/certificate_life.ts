const DAY_MS = 86_400_000;
export const ADMIN_LIFE_MS = 365 * DAY_MS;
export const USER_LIFE_MS = 365 * DAY_MS;
/** Long enough for a device that lies in a drawer for years. A node's certificate can be revoked at any time. */
export const NODE_LIFE_MS = 10 * 365 * DAY_MS;
/** A clock that shows an earlier time is wrong: this code did not exist then. */
export const EARLIEST_NOW_MS = Date.parse("2026-11-01T00:00:00Z");
/** How much longer than one issued now a certificate may be valid: the clocks of servers differ. */
const TOLERANCE_MS = DAY_MS;

/**
 * When a certificate that is issued now expires. A clock that is behind (a device without a battery) may show a time
 * before this code was written: then {@linkcode EARLIEST_NOW_MS} is used, so the certificate may expire early and is
 * renewed once the clock is right. A clock that is ahead makes a certificate that is valid for too long; that one is
 * renewed too, see {@linkcode isDue}.
 */
export function endOfLife(nowMs: number, lifeMs: number): number {
  return Math.max(nowMs, EARLIEST_NOW_MS) + lifeMs;
}

/** Whether a certificate should be renewed: after two thirds of its life, or when it is valid longer than one issued now. */
export function isDue(notAfterMs: number, nowMs: number, lifeMs: number): boolean {
  const endsMs = endOfLife(nowMs, lifeMs);
  const leftMs = notAfterMs - (endsMs - lifeMs);
  return leftMs < lifeMs / 3 || notAfterMs > endsMs + TOLERANCE_MS;
}
