const SECOND_MS = 1000;
const HOURS_OF_DAY = 24;
const HOURS_OF_YEAR = 365 * HOURS_OF_DAY;

/** A span as kubectl shows an age: two units at most. After apimachinery's `duration.HumanDuration`. */
export function humanDuration(spanMs: number): string {
  const seconds = Math.trunc(spanMs / SECOND_MS);
  if (seconds < -1) return "<invalid>";
  if (seconds < 120) return `${Math.max(seconds, 0)}s`;
  const minutes = Math.trunc(seconds / 60);
  if (minutes < 10) return pair(minutes, "m", seconds % 60, "s");
  if (minutes < 180) return `${minutes}m`;
  const hours = Math.trunc(minutes / 60);
  if (hours < 8) return pair(hours, "h", minutes % 60, "m");
  if (hours < 2 * HOURS_OF_DAY) return `${hours}h`;
  const days = Math.trunc(hours / HOURS_OF_DAY);
  if (hours < 8 * HOURS_OF_DAY) return pair(days, "d", hours % HOURS_OF_DAY, "h");
  if (hours < 2 * HOURS_OF_YEAR) return `${days}d`;
  const years = Math.trunc(hours / HOURS_OF_YEAR);
  if (hours < 8 * HOURS_OF_YEAR) return pair(years, "y", days % 365, "d");
  return `${years}y`;
}

function pair(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large}${largeUnit}` : `${large}${largeUnit}${small}${smallUnit}`;
}
