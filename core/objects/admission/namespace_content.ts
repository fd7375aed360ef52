import { type Namespace, NAMESPACE_FINALIZER } from "../../resources/core/namespaces.ts";
import type { KubeObject } from "../../resources/resource.ts";
import type { AdmissionRequest } from "./admission_rule.ts";

/** The label by which selectors find a namespace by name. */
const NAME_LABEL = "kubernetes.io/metadata.name";

/**
 * A namespace carries its name as a label, and is held back by the finalizer of the namespace controller
 * until it is empty. Its finalizers are changed by the subresource `finalize` only.
 */
export function namespaceContent({ resource, next, previous }: AdmissionRequest): KubeObject {
  if (resource.group !== "" || resource.kind !== "Namespace") return next;
  const namespace = next as Namespace;
  const { finalizers } = (previous as Namespace | undefined)?.spec ??
    { finalizers: [NAMESPACE_FINALIZER] };
  const labels = { ...namespace.metadata.labels, [NAME_LABEL]: namespace.metadata.name };
  const isEnding = namespace.metadata.deletionTimestamp !== undefined;
  const phase: Namespace["status"]["phase"] = isEnding ? "Terminating" : "Active";
  return {
    ...namespace,
    metadata: { ...namespace.metadata, labels },
    spec: { ...namespace.spec, finalizers },
    status: { ...namespace.status, phase },
  } as Namespace;
}
