import { forbidden } from "../../../client/refusals.ts";
import { type Service, services } from "../../../resources/core/services/services.ts";
import type { AdmissionRequest } from "../admission_rule.ts";
import { isOfKind } from "./kind_match.ts";

/**
 * Refuses addresses from outside that a Service takes: whoever may write one could catch traffic that is not theirs. Those
 * that a Service had before may stay. Off unless the operator asks for it, as in Kubernetes.
 *
 * https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#denyserviceexternalips
 */
export function denyServiceExternalIps({ resource, next, previous }: AdmissionRequest): void {
  if (!isOfKind(resource, services)) return;
  const { externalIPs = [] } = (next as Service).spec;
  const known = new Set((previous as Service | undefined)?.spec.externalIPs);
  if (externalIPs.every((address) => known.has(address))) return;
  throw forbidden(
    resource,
    next.metadata.name,
    "Use of external IPs is denied by admission control",
  );
}
