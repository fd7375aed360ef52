/** The last second that RFC 3339 can express: years have four digits. */
const LATEST_MS = Date.UTC(9999, 11, 31, 23, 59, 59);

/** The time as Kubernetes writes it in metadata: RFC 3339 in UTC, whole seconds; from 1970 to the year 9999. */
export function timestamp(ms: number): string {
  return `${new Date(Math.max(0, Math.min(ms, LATEST_MS))).toISOString().slice(0, 19)}Z`;
}

/** Milliseconds since 1970; 0 for a time that is absent or cannot be read. */
export function msOf(time: string | undefined): number {
  return time === undefined ? 0 : Date.parse(time) || 0;
}
