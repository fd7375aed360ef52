/**
 * Orders versions as Kubernetes does: stable before beta before alpha, then the larger number; other names last, by
 * letter. Source: apimachinery `pkg/version/helpers.go`.
 */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [rankOf(a), rankOf(b)];
  if (!left || !right) {
    if (left || right) return left ? -1 : 1;
    return a < b ? -1 : a > b ? 1 : 0;
  }
  return right.stability - left.stability || right.major - left.major || right.minor - left.minor;
}

const STABILITY = ["alpha", "beta", ""];

function rankOf(version: string) {
  const [matched, major, stage = "", minor = "0"] = /^v(\d{1,9})(?:(alpha|beta)(\d{1,9}))?$/.exec(
    version,
  ) ?? [];
  if (matched === undefined) return undefined;
  return { stability: STABILITY.indexOf(stage), major: Number(major), minor: Number(minor) };
}
