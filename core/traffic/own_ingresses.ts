import type { View } from "../client/client.ts";
import { type CertificateFault, certificateIn, type ServedCertificate } from "./certificates.ts";
import { covers } from "./hostnames.ts";
import { classAnnotationOf, type Ingress, ingresses } from "../resources/networking/ingresses.ts";
import { ingressClasses } from "../resources/networking/ingress_classes.ts";

/** `spec.controller` of the IngressClasses that Coracle serves. */
export const INGRESS_CONTROLLER = "coracle.dev/ingress-controller";
/** The class that each cluster has. */
export const INGRESS_CLASS = "coracle";
/** Where requests for Ingresses come in. */
export const INGRESS_PORT = 80;
/** Where they come in by TLS: the one port that an Ingress has for it. */
export const INGRESS_TLS_PORT = 443;

/** Whether an Ingress is of a class that Coracle serves. */
export function isOwnIngress(ingress: Ingress, view: Pick<View, "get">): boolean {
  const name = ingress.spec.ingressClassName ?? classAnnotationOf(ingress);
  if (name === undefined || ingress.metadata.deletionTimestamp !== undefined) return false;
  return view.get(ingressClasses, { name })?.spec.controller === INGRESS_CONTROLLER;
}

/** The Ingresses that Coracle serves, the oldest first: of two for one path the older one has it. */
export function ownIngressesOf(view: Pick<View, "get" | "list">): Ingress[] {
  return view.list(ingresses).filter((ingress) => isOwnIngress(ingress, view))
    .toSorted((a, b) =>
      ageOf(a).localeCompare(ageOf(b)) || a.metadata.name.localeCompare(b.metadata.name)
    );
}

function ageOf({ metadata: { creationTimestamp, namespace } }: Ingress): string {
  return `${creationTimestamp} ${namespace}`;
}

/** What the `tls` of Ingresses of ours comes to. */
export interface IngressCertificates {
  /** By host name, as `tls` names them; of two for one host, the older Ingress has it. In small letters. */
  readonly byHost: ReadonlyMap<string, readonly ServedCertificate[]>;
  /** What cannot be shown, and whose it is. */
  readonly faults: readonly { readonly ingress: Ingress; readonly fault: CertificateFault }[];
}

/**
 * `ingresses`: the oldest first. An entry without hosts is for all hosts of its Ingress.
 * https://kubernetes.io/docs/concepts/services-networking/ingress/#tls
 */
export function ingressCertificates(
  ingresses: readonly Ingress[],
  view: Pick<View, "get">,
): IngressCertificates {
  const byHost = new Map<string, ServedCertificate[]>();
  const faults: { ingress: Ingress; fault: CertificateFault }[] = [];
  for (const ingress of ingresses) {
    const { metadata: { namespace }, spec: { tls = [] } } = ingress;
    for (const { hosts = [], secretName: name = "" } of tls) {
      const found = certificateOf({ namespace, name }, view);
      if ("reason" in found) {
        faults.push({ ingress, fault: found });
        continue;
      }
      for (const host of hosts.length > 0 ? hosts : hostsOf(ingress)) {
        const hostname = host.toLowerCase();
        byHost.set(hostname, [...byHost.get(hostname) ?? [], found]);
      }
    }
  }
  return { byHost, faults };
}

/** The certificates for a host: its own, or those of the longest star that covers it. */
export function certificatesForHost(
  hostname: string,
  { byHost }: IngressCertificates,
): readonly ServedCertificate[] | undefined {
  const [nearest] = [...byHost.keys()].filter((each) => each !== "" && covers(each, hostname))
    .sort((a, b) => b.length - a.length);
  return byHost.get(nearest ?? "");
}

function certificateOf(
  secret: { namespace: string; name: string },
  view: Pick<View, "get">,
): ServedCertificate | CertificateFault {
  if (secret.name !== "") return certificateIn(secret, view);
  return { reason: "InvalidCertificateRef", message: "An entry of tls names no Secret" };
}

/** `""`: all others. */
function hostsOf({ spec: { rules = [], defaultBackend } }: Ingress): string[] {
  const hosts = rules.map(({ host = "" }) => host);
  return [...new Set(defaultBackend === undefined ? hosts : [...hosts, ""])];
}
