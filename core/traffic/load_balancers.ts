import type { ServiceSpec } from "../resources/core/services/services.ts";

/** Whether a Service gets its load balancer from us: a class means another one's. */
export function isOwnLoadBalancer({ type, loadBalancerClass }: ServiceSpec): boolean {
  return type === "LoadBalancer" && !loadBalancerClass;
}
