import type { GatewayListener } from "../resources/gateway/gateways.ts";

/** Protocols that listeners of Gateways are served with. */
export const SERVED_PROTOCOLS: readonly string[] = ["HTTP", "HTTPS"];

/** Whether its clients speak TLS, which ends at the listener. */
export function isTlsListener({ protocol }: GatewayListener): boolean {
  return protocol === "HTTPS";
}

export function isServedProtocol({ protocol }: GatewayListener): boolean {
  return SERVED_PROTOCOLS.includes(protocol);
}

/** In small letters; `""`: any. */
export function hostnameOf({ hostname = "" }: GatewayListener): string {
  return hostname.toLowerCase();
}
