import type { AnyResource } from "../resource.ts";
import { leases } from "./leases.ts";

/** The kinds of `coordination.k8s.io/v1`. */
export const COORDINATION_KINDS: readonly AnyResource[] = [
  leases,
];
