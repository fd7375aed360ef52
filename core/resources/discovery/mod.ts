import type { AnyResource } from "../resource.ts";
import { endpointSlices } from "./endpoint_slices.ts";

/** The kinds of `discovery.k8s.io/v1`. */
export const DISCOVERY_KINDS: readonly AnyResource[] = [
  endpointSlices,
];
