import type { VersionDefinition } from "../definition/definition.ts";

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

/** Those that clients can use, in the order of discovery. */
export function servedVersionsOf(versions: readonly VersionDefinition[]): VersionDefinition[] {
  return versions.filter(({ served }) => served)
    .toSorted((a, b) => compareVersions(a.name, b.name));
}

/** What whoever uses a deprecated version is told. `undefined` for one that is not deprecated. */
export function deprecationOf(
  version: VersionDefinition,
  { group, kind, versions }: {
    group: string;
    kind: string;
    versions: readonly VersionDefinition[];
  },
): string | undefined {
  if (!version.deprecated) return undefined;
  if (version.deprecationWarning !== undefined) return version.deprecationWarning;
  const better = servedVersionsOf(versions).find(({ name, deprecated }) =>
    !deprecated && compareVersions(name, version.name) < 0
  );
  const what = `${group}/${version.name} ${kind} is deprecated`;
  return better ? `${what}; use ${group}/${better.name} ${kind}` : what;
}
