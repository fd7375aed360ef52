import type { ServedSet } from "./rollout_sets.ts";

/** Endpoints among which requests are balanced. */
export interface Backend {
  /** Unique in a table: `namespace/service:port`. Counts go on across tables by it. */
  readonly name: string;
  /**
   * `invalid`: it does not exist or may not be used: requests get 500. `empty`: it exists and nobody can
   * answer: 503 (Gateway API, HTTPBackendRef).
   */
  readonly state: "valid" | "invalid" | "empty";
  /** For `invalid` and `empty`: why, for the log. No client is told. */
  readonly reason?: string;
  readonly endpoints: readonly Endpoint[];
  /** A client stays with its endpoint until it has been away for so long (`sessionAffinity: ClientIP`); absent: it does not. */
  readonly affinityMs?: number;
  /** The set of a rollout that it leads to, if it is one, and by which port of its Service. */
  readonly set?: ServedSet & { readonly port: number };
  /** The rollout whose Service it is: its backends stand in for one another, within the same weights. */
  readonly rollout?: string;
}

/** Why a backend cannot be used, in the words of the condition `ResolvedRefs` of a route. */
export interface BackendFault {
  readonly reason: "BackendNotFound" | "InvalidKind" | "RefNotPermitted";
  readonly message: string;
}

export interface Endpoint {
  readonly address: string;
  readonly port: number;
  /** Uid of the pod behind it; `""` when there is none. An address that another pod takes over is another endpoint. */
  readonly podUid: string;
  /** Its pod is terminating and gets requests only because no other one is ready. */
  readonly isEnding?: true;
  /** No route leads to it: what is behind which tunnel. Absent: it is dialled as it is. */
  readonly far?: FarEnd;
}

/** A node to which no route leads, or the API server itself. */
export type FarEnd = { readonly node: string } | "apiserver";

/** Text that is equal exactly for equal endpoints. */
export function endpointKey({ address, port, podUid }: Endpoint): string {
  return `${address} ${port} ${podUid}`;
}
