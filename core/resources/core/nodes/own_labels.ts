/** Labels of Kubernetes that a node may set on itself. Source: k8s.io/kubelet `pkg/apis/well_known_labels.go`. */
const OWN_LABELS: readonly string[] = [
  "beta.kubernetes.io/arch",
  "beta.kubernetes.io/instance-type",
  "beta.kubernetes.io/os",
  "failure-domain.beta.kubernetes.io/region",
  "failure-domain.beta.kubernetes.io/zone",
  "kubernetes.io/arch",
  "kubernetes.io/hostname",
  "kubernetes.io/os",
  "node.kubernetes.io/instance-type",
  "topology.kubernetes.io/region",
  "topology.kubernetes.io/zone",
];
const OWN_NAMESPACES: readonly string[] = ["kubelet.kubernetes.io", "node.kubernetes.io"];

/**
 * Whether a node may set the label on itself: any that is not of Kubernetes, and of those the ones that say what a machine is.
 * By the others people decide what may run where.
 *
 * https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#noderestriction
 */
export function isOwnLabel(key: string): boolean {
  const namespace = key.includes("/") ? key.slice(0, key.indexOf("/")) : "";
  const isIn = (suffix: string) => namespace === suffix || namespace.endsWith(`.${suffix}`);
  if (isIn("node-restriction.kubernetes.io")) return false;
  if (!isIn("kubernetes.io") && !isIn("k8s.io")) return true;
  return OWN_LABELS.includes(key) || OWN_NAMESPACES.some(isIn);
}
