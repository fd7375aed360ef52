import type { View } from "../client/client.ts";
import { classAnnotationOf, type Ingress, ingresses } from "../resources/networking/ingresses.ts";
import { ingressClasses } from "../resources/networking/ingress_classes.ts";

/** `spec.controller` of the IngressClasses that Coracle serves. */
export const INGRESS_CONTROLLER = "coracle.dev/ingress-controller";
/** The class that each cluster has. */
export const INGRESS_CLASS = "coracle";
/** Where requests for Ingresses come in. */
export const INGRESS_PORT = 80;

/** Whether an Ingress is of a class that Coracle serves. */
export function isOwnIngress(ingress: Ingress, view: View): boolean {
  const name = ingress.spec.ingressClassName ?? classAnnotationOf(ingress);
  if (name === undefined || ingress.metadata.deletionTimestamp !== undefined) return false;
  return view.get(ingressClasses, { name })?.spec.controller === INGRESS_CONTROLLER;
}

/** The Ingresses that Coracle serves, the oldest first: of two for one path the older one has it. */
export function ownIngressesOf(view: View): Ingress[] {
  return view.list(ingresses).filter((ingress) => isOwnIngress(ingress, view))
    .toSorted((a, b) =>
      ageOf(a).localeCompare(ageOf(b)) || a.metadata.name.localeCompare(b.metadata.name)
    );
}

function ageOf({ metadata: { creationTimestamp, namespace } }: Ingress): string {
  return `${creationTimestamp} ${namespace}`;
}
