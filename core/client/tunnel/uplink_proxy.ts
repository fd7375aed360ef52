import { isIpv4, isWithin, parseIp, parseIpRange } from "../../lib/addresses/ip_address.ts";

/** What the environment says about proxies: `HTTPS_PROXY` and `NO_PROXY`. */
export interface ProxySettings {
  https?: string | undefined;
  none?: string | undefined;
}

/** A proxy to go through. */
export interface UplinkProxy {
  host: string;
  port: number;
  /** Of `proxy-authorization`. */
  authorization: string | undefined;
}

/**
 * The proxy for a server; `undefined`: none. Throws an `Error` for a value that is no URL of an HTTP proxy. The rules of
 * Go's `httpproxy`, which kubelets follow: https://pkg.go.dev/golang.org/x/net/http/httpproxy#Config
 */
export function proxyFor(
  { hostname, port }: Pick<URL, "hostname" | "port">,
  { https = "", none = "" }: ProxySettings,
): UplinkProxy | undefined {
  if (https === "") return undefined;
  const host = unbracketed(hostname).toLowerCase();
  if (host === "localhost" || /^127\.|^::1$/.test(host)) return undefined;
  const isExempt = none.split(",").map((each) => each.trim().toLowerCase())
    .some((each) => each !== "" && covers(each, host, port || "443"));
  return isExempt ? undefined : proxyOf(https);
}

function proxyOf(text: string): UplinkProxy {
  const url = URL.parse(text.includes("://") ? text : `http://${text}`);
  if (url?.protocol !== "http:") {
    throw new Error(`Cannot use the proxy in HTTPS_PROXY: it is not of the form http://HOST:PORT`);
  }
  const { hostname, port, username, password } = url;
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return {
    host: unbracketed(hostname),
    port: Number(port || 80),
    authorization: username === "" ? undefined : `Basic ${btoa(credentials)}`,
  };
}

/** Whether an entry of `NO_PROXY` names the host: a range, or an address or a name with a port or without. */
function covers(entry: string, host: string, port: string): boolean {
  if (entry === "*") return true;
  const address = parseIp(host);
  if (entry.includes("/")) {
    const range = parseIpRange(entry);
    if (range === undefined || address === undefined) return false;
    return isIpv4(address) !== entry.includes(":") && isWithin(address, range);
  }
  const { name, port: entryPort } = splitPort(entry);
  if (entryPort !== undefined && entryPort !== port) return false;
  const exempt = parseIp(unbracketed(name));
  if (exempt !== undefined) return address?.join() === exempt.join();
  if (name === host) return true;
  const suffix = name.startsWith("*.") ? name.slice(1) : name.startsWith(".") ? name : `.${name}`;
  return host.endsWith(suffix);
}

/** An IPv6 address has a port only behind brackets. */
function splitPort(entry: string): { name: string; port?: string } {
  const [, name = entry, port] = /^(\[.*\]|[^:]*):(\d+)$/.exec(entry) ?? [];
  return port === undefined ? { name } : { name, port };
}

function unbracketed(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, "$1");
}
