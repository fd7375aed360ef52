import type { Service } from "../resources/core/services/services.ts";

/** Annotation of a Service that leads to other ones: `web-stable=80,web-canary=20`. */
export const SHARES = "coracle.dev/shares";
/** Beside them: the Rollout that wrote them. Without it they are a user's own. */
export const SHARED_BY = "coracle.dev/shared-by";
/** As the weight of a backendRef of the Gateway API. */
export const WEIGHT_MAX = 1_000_000;
/** As many as a rule of a route may have. */
const SHARES_MAX = 16;

/** A part of what comes to a Service, and the Service of its namespace that gets it: by its selector, not by its shares. */
export interface ServiceShare {
  readonly service: string;
  readonly weight: number;
}

/** What an annotation says, or what is wrong with it: a sentence without a full stop. */
export type ReadShares = { readonly shares: readonly ServiceShare[] } | { readonly fault: string };

const SHARE = /^([a-z]([-a-z0-9]*[a-z0-9])?)=([0-9]{1,7})$/;

/**
 * The shares of what comes to a Service, for those that are split without a route: a request at a time where a route leads
 * to it, else a connection at a time. `undefined`: it has none, and its own selector counts.
 */
export function sharesOf({ metadata: { annotations } }: Service): ReadShares | undefined {
  const text = annotations?.[SHARES];
  if (text === undefined) return undefined;
  const fault = (why: string) => ({ fault: `annotation ${SHARES} is not followed: ${why}` });
  const parts = text.split(",");
  if (parts.length > SHARES_MAX) return fault(`it has more than ${SHARES_MAX} shares`);
  const shares: ServiceShare[] = [];
  for (const part of parts) {
    const [, service, , digits] = SHARE.exec(part.trim()) ?? [];
    if (service === undefined) return fault(`"${part.trim()}" is not of the form "service=weight"`);
    const weight = Number(digits);
    if (weight > WEIGHT_MAX) return fault(`a weight is above ${WEIGHT_MAX}`);
    if (shares.some((other) => other.service === service)) {
      return fault(`"${service}" is twice in it`);
    }
    shares.push({ service, weight });
  }
  if (shares.every(({ weight }) => weight === 0)) return fault("no weight is above 0");
  return { shares };
}

/** The text of {@linkcode SHARES} for these shares. */
export function sharesText(shares: readonly ServiceShare[]): string {
  return shares.map(({ service, weight }) => `${service}=${weight}`).join(",");
}
