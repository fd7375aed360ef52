import type { ServiceSpec } from "./service_spec.ts";

/** Said in place of what Kubernetes does: the client's address is kept there. */
const SOURCE_NOT_KEPT =
  "spec.externalTrafficPolicy: client addresses are not preserved in this version of Coracle; " +
  "traffic stays on the node that it came to, but pods see the address of that node";

/** What is said to whoever writes a Service, in the words of k8s.io/kubernetes/pkg/api/service/warnings.go. */
export function serviceWarnings(spec: ServiceSpec): string[] {
  const { type, clusterIP, loadBalancerIP, externalIPs = [], sessionAffinity, externalName } = spec;
  const isHeadless = type === "ClusterIP" && clusterIP === "None";
  const ignored = (field: string) => `spec.${field} is ignored for headless services`;
  const isElsewhere = type === "ExternalName";
  return [
    ...(isHeadless && loadBalancerIP ? [ignored("loadBalancerIP")] : []),
    ...(isHeadless && externalIPs.length > 0 ? [ignored("externalIPs")] : []),
    ...(isHeadless && sessionAffinity !== "None" ? [ignored("SessionAffinity")] : []),
    ...(isElsewhere && externalIPs.length > 0
      ? [`spec.externalIPs is ignored when spec.type is "${type}"`]
      : []),
    ...(!isElsewhere && externalName
      ? ['spec.externalName is ignored when spec.type is not "ExternalName"']
      : []),
    ...(spec.externalTrafficPolicy === "Local" ? [SOURCE_NOT_KEPT] : []),
  ];
}
