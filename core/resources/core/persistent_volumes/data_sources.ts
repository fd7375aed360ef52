import type { ClaimSpec } from "../pods/spec/claims.ts";

type Source = NonNullable<ClaimSpec["dataSource"]>;

/**
 * Where the first contents of a claim's volume come from is said in two fields, an old one and its successor, of which
 * each is made from the other. The old one can name claims and snapshots only: anything else in it is dropped.
 *
 * https://github.com/kubernetes/enhancements/tree/master/keps/sig-storage/1495-volume-populators
 */
export function withDataSources(spec: ClaimSpec, previous: ClaimSpec | undefined): ClaimSpec {
  const { dataSource: given, dataSourceRef: reference, ...rest } = spec;
  // References into other namespaces are behind a feature gate that Kubernetes has off.
  const isForeign = reference?.namespace && !previous?.dataSourceRef;
  const dataSourceRef = isForeign ? undefined : reference;
  const isKept = previous?.dataSource || previous?.dataSourceRef || dataSourceRef ||
    (given && isClaimOrSnapshot(given));
  const dataSource = isKept ? given : undefined;
  if (!dataSource && !dataSourceRef) return rest;
  return {
    ...rest,
    ...withBoth(dataSource, dataSourceRef),
  };
}

function withBoth(
  dataSource: Source | undefined,
  dataSourceRef: ClaimSpec["dataSourceRef"],
): Pick<ClaimSpec, "dataSource" | "dataSourceRef"> {
  if (!dataSourceRef) return dataSource ? { dataSource, dataSourceRef: dataSource } : {};
  const { namespace, ...local } = dataSourceRef;
  if (dataSource) return { dataSource, dataSourceRef };
  return namespace ? { dataSourceRef } : { dataSource: local, dataSourceRef };
}

function isClaimOrSnapshot({ apiGroup = "", kind }: Source): boolean {
  return (apiGroup === "" && kind === "PersistentVolumeClaim") ||
    (apiGroup === "snapshot.storage.k8s.io" && kind === "VolumeSnapshot");
}
