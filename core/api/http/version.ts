/** The release of Kubernetes whose API is served: clients compare their own with it. */
export const KUBERNETES_VERSION = "1.34.1";

/** What the server and its nodes call themselves, e.g. `v1.34.1+coracle-0.1.0`. */
export function gitVersionOf(product: string): string {
  return `v${KUBERNETES_VERSION}+coracle-${product}`;
}

/** What `/version` answers: https://kubernetes.io/docs/reference/generated/kubernetes-api (version.Info). */
export interface VersionInfo {
  major: string;
  minor: string;
  gitVersion: string;
  gitCommit: string;
  gitTreeState: string;
  buildDate: string;
  goVersion: string;
  compiler: string;
  platform: string;
}

/** `product`: the version of Coracle itself. */
export function versionInfo(product: string): VersionInfo {
  const [major = "", minor = ""] = KUBERNETES_VERSION.split(".");
  return {
    major,
    minor,
    gitVersion: gitVersionOf(product),
    gitCommit: "",
    gitTreeState: "clean",
    buildDate: "1970-01-01T00:00:00Z",
    goVersion: "",
    compiler: "",
    platform: "",
  };
}
