import { compareVersions } from "../../../schema/versions.ts";
import type { VersionDefinition } from "../definition/definition.ts";

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
