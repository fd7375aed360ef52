import type { Gateway, GatewayListener } from "../resources/gateway/gateways.ts";
import { covers } from "./hostnames.ts";
import { hostnameOf, isServedProtocol } from "./listeners.ts";
import { olderFirst } from "./precedence.ts";

/** Why a listener is not served, in the words of its condition `Conflicted`. */
export interface ListenerConflict {
  readonly reason: "HostnameConflict" | "ProtocolConflict";
  readonly message: string;
}

/** The conflicts of one Gateway, by the name of the listener. */
export type GatewayConflicts = ReadonlyMap<string, ListenerConflict>;

/** By {@linkcode gatewayKey}; a Gateway without conflicts is not in it. */
export type ListenerConflicts = ReadonlyMap<string, GatewayConflicts>;

/** The key of a Gateway in maps of Gateways: `namespace/name`. */
export function gatewayKey({ metadata: { namespace, name } }: Gateway): string {
  return `${namespace}/${name}`;
}

interface Claim {
  readonly gateway: Gateway;
  readonly listener: GatewayListener;
}

/**
 * Which listeners are not served because another one has their port and host name. Gateways of ours that are on the same
 * node listen on the same addresses, so two of them can ask for the same requests. The older Gateway keeps them.
 *
 * A listener conflicts with one of an older Gateway on its port that has
 * - another protocol: `ProtocolConflict`;
 * - the same host name: `HostnameConflict`;
 * - a host name that covers its own (`*.example.com`, or none), when that Gateway is in another namespace:
 *   `HostnameConflict`. Requests go to the most specific listener, so it would take them away. Within one namespace
 *   that is allowed: it is how requests are told apart.
 *
 * `gateways`: only those that are served. `meet`: whether two of them are on a node that both are on.
 *
 * https://gateway-api.sigs.k8s.io/reference/spec/#listenerconditiontype
 */
export function listenerConflicts(
  gateways: readonly Gateway[],
  meet: (one: Gateway, other: Gateway) => boolean = () => true,
): ListenerConflicts {
  const claims = new Map<number, Claim[]>();
  const conflicts = new Map<string, Map<string, ListenerConflict>>();
  const note = (gateway: Gateway, name: string, conflict: ListenerConflict) => {
    const key = gatewayKey(gateway);
    conflicts.set(key, (conflicts.get(key) ?? new Map()).set(name, conflict));
  };
  const isTakenBy = (claim: Claim, gateway: Gateway, listener: GatewayListener) =>
    conflictsWith(claim, gateway, listener) && meet(claim.gateway, gateway);
  const byAge = [...gateways].sort(olderFirst);
  for (const gateway of byAge) {
    for (const listener of gateway.spec.listeners.filter(isServedProtocol)) {
      const older = claims.get(listener.port) ?? [];
      claims.set(listener.port, older);
      const other = older.find((claim) =>
        speaksOther(claim, listener) && meet(claim.gateway, gateway)
      );
      if (other !== undefined) note(gateway, listener.name, protocolConflict(listener, other));
      else if (older.some((claim) => isTakenBy(claim, gateway, listener))) {
        note(gateway, listener.name, hostnameConflict(listener));
      } else older.push({ gateway, listener });
    }
  }
  for (const gateway of byAge) {
    for (const listener of gateway.spec.listeners) {
      const others = claims.get(listener.port) ?? [];
      const other = others.find((claim) => meet(claim.gateway, gateway));
      if (isServedProtocol(listener) || other === undefined) continue;
      note(gateway, listener.name, protocolConflict(listener, other));
    }
  }
  return conflicts;
}

function speaksOther(claim: Claim, { protocol }: GatewayListener): boolean {
  return claim.listener.protocol !== protocol;
}

function conflictsWith(claim: Claim, gateway: Gateway, listener: GatewayListener): boolean {
  const [taken, wanted] = [hostnameOf(claim.listener), hostnameOf(listener)];
  if (taken === wanted) return true;
  return claim.gateway.metadata.namespace !== gateway.metadata.namespace && covers(taken, wanted);
}

function hostnameConflict({ port, hostname }: GatewayListener): ListenerConflict {
  const what = hostname === undefined ? "Every hostname" : `Hostname "${hostname}"`;
  return {
    reason: "HostnameConflict",
    message: `${what} on port ${port} is served for a listener of an older Gateway; ` +
      "use another port or hostname, or attach routes to that Gateway",
  };
}

function protocolConflict(
  { port, protocol }: GatewayListener,
  { listener }: Claim,
): ListenerConflict {
  return {
    reason: "ProtocolConflict",
    message: `Port ${port} cannot speak "${protocol}": ` +
      `another listener on it has protocol "${listener.protocol}"; use another port`,
  };
}
