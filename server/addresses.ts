import { ROOT_DATA_FOLDER } from "./data_folder.ts";

/** Ranges that pods and services get when the flags do not say. */
export interface Ranges {
  podCidr: string;
  serviceCidr: string;
}

/** With a network namespace for each pod: the usual private ranges. */
export const NAMESPACE_RANGES: Ranges = { podCidr: "10.42.0.0/24", serviceCidr: "10.96.0.0/16" };
/** Without root: Linux answers on all of 127.0.0.0/8, and anybody may bind it. */
export const LOOPBACK_RANGES: Ranges = { podCidr: "127.42.0.0/24", serviceCidr: "127.96.0.0/16" };

/** The node's own address: of its first network interface that is not the loopback, IPv4 first. */
export function nodeAddress(interfaces: readonly Deno.NetworkInterfaceInfo[]): string {
  const own = interfaces.filter(({ name, address }) =>
    !/^(lo|cora|v[0-9a-f])/.test(name) && !address.startsWith("fe80:") &&
    !address.startsWith("127.")
  );
  const best = own.find(({ family }) => family === "IPv4") ?? own[0];
  return best?.address ?? "127.0.0.1";
}

/** The IPv4 addresses that are this machine's own. */
export function ipv4Addresses(interfaces: readonly Deno.NetworkInterfaceInfo[]): string[] {
  const own = interfaces.filter(({ family }) => family === "IPv4").map(({ address }) => address);
  return [...new Set(own)].sort();
}

/** The address of a server's node: the one that the API listens on, unless it is a wildcard or loopback address. */
export function serverAddress(
  listenHost: string,
  interfaces: readonly Deno.NetworkInterfaceInfo[],
): string {
  const isOwn = interfaces.some(({ address }) => address === listenHost);
  return isOwn && !isLoopback(listenHost) ? listenHost : nodeAddress(interfaces);
}

function isLoopback(host: string): boolean {
  return host === "::1" || host.startsWith("127.");
}

/** An address to connect to a server that listens on `host`; `everywhere` replaces a wildcard. */
export function dialableHost(host: string, everywhere?: string): string {
  if (host === "0.0.0.0") return everywhere ?? "127.0.0.1";
  return host === "::" ? everywhere ?? "::1" : host;
}

/** `[::1]:80`, `127.0.0.1:80`. */
export function hostAndPort(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Name of the pods' gateway device: `cora0`, or one of its own for a server with another data folder. */
export async function gatewayDevice(dataFolder: string): Promise<string> {
  if (dataFolder === ROOT_DATA_FOLDER) return "cora0";
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(dataFolder));
  return `cora${new Uint8Array(digest).toHex().slice(0, 8)}`;
}
