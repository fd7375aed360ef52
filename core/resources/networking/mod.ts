import type { AnyResource } from "../resource.ts";
import { ingressClasses } from "./ingress_classes.ts";
import { ingresses } from "./ingresses.ts";
import { ipAddresses } from "./ip_addresses.ts";
import { networkPolicies } from "./network_policies.ts";
import { serviceCidrs } from "./service_cidrs.ts";

/** The kinds of `networking.k8s.io/v1`. */
export const NETWORKING_KINDS: readonly AnyResource[] = [
  ingressClasses,
  ingresses,
  ipAddresses,
  networkPolicies,
  serviceCidrs,
];
