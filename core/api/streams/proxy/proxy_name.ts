/** What a proxied request names: `NAME`, `NAME:PORT` or `SCHEME:NAME:PORT`. Port and scheme may be empty. */
export interface ProxyName {
  scheme: "" | "http" | "https";
  name: string;
  /** Number or name of a port. */
  port: string;
}

/** `undefined` for what Kubernetes does not read either: apimachinery `pkg/util/net/port_split.go`. */
export function proxyName(id: string): ProxyName | undefined {
  const parts = id.split(":");
  const [scheme, name, port] = parts.length === 3
    ? parts as [string, string, string]
    : parts.length === 2
    ? ["", ...parts] as [string, string, string]
    : ["", id, ""] as const;
  if (parts.length > 3 || name === "") return undefined;
  return scheme === "" || scheme === "http" || scheme === "https"
    ? { scheme, name, port }
    : undefined;
}

/** `undefined` for a text that is no number of a port. */
export function portNumber(text: string): number | undefined {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  return port > 0 && port <= 65_535 ? port : undefined;
}
