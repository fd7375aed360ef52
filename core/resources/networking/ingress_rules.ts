import { parseSloppyIp } from "../../lib/addresses/ip_text.ts";
import { sloppyIpCauses } from "../../schema/address_rules.ts";
import { type Cause, invalid, missing, notSupported } from "../../schema/causes.ts";
import {
  dns1035LabelFaults,
  pathSegmentFaults,
  portNameFaults,
  subdomainFaults,
  wildcardSubdomainFaults,
} from "../../schema/names.ts";
import { hostnameCauses, nameCauses, portNumberCauses } from "../../schema/value_rules.ts";
import type {
  IngressBackend,
  IngressPath,
  IngressRule,
  IngressSpec,
  IngressStatus,
} from "./ingress_shape.ts";

/** The rules for an Ingress, in the words of k8s.io/kubernetes/pkg/apis/networking/validation. */

const PATH_TYPES = ["Exact", "ImplementationSpecific", "Prefix"];
const FORBIDDEN_IN_PATHS = ["//", "/./", "/../", "%2f", "%2F"];
const FORBIDDEN_AT_ENDS = ["/..", "/."];
const NO_ADDRESS = "must be a DNS name, not an IP address";

export function ingressCauses(spec: IngressSpec, previous: IngressSpec | undefined): Cause[] {
  const { defaultBackend, rules = [], ingressClassName } = spec;
  const causes: Cause[] = [];
  if (rules.length === 0 && !defaultBackend) {
    causes.push(invalid("spec", null, "either `defaultBackend` or `rules` must be specified"));
  }
  if (defaultBackend) causes.push(...backendCauses(defaultBackend, "spec.defaultBackend"));
  rules.forEach((rule, i) => causes.push(...ruleCauses(rule, `spec.rules[${i}]`)));
  const hadInvalidSecret = previous?.tls?.some(({ secretName = "" }) =>
    nameCauses("", secretName, subdomainFaults).length > 0
  );
  for (const [i, { hosts = [], secretName }] of (spec.tls ?? []).entries()) {
    const at = `spec.tls[${i}]`;
    hosts.forEach((host, j) => causes.push(...hostCauses(`${at}.hosts[${j}]`, host)));
    if (hadInvalidSecret) continue;
    causes.push(...nameCauses(`${at}.secretName`, secretName, subdomainFaults));
  }
  if (ingressClassName !== undefined) {
    for (const fault of subdomainFaults(ingressClassName)) {
      causes.push(invalid("spec.ingressClassName", ingressClassName, fault));
    }
  }
  return causes;
}

function hostCauses(field: string, host: string): Cause[] {
  if (host === "") return subdomainFaults(host).map((fault) => invalid(field, host, fault));
  // Whatever has an asterisk is meant as a wildcard.
  return host.includes("*") && !host.startsWith("*.")
    ? wildcardCauses(field, host)
    : hostnameCauses(field, host);
}

function wildcardCauses(field: string, host: string): Cause[] {
  return wildcardSubdomainFaults(host).map((fault) => invalid(field, host, fault));
}

function ruleCauses({ host, http }: IngressRule, field: string): Cause[] {
  const causes: Cause[] = [];
  if (host && parseSloppyIp(host)) causes.push(invalid(`${field}.host`, host, NO_ADDRESS));
  if (host) causes.push(...hostCauses(`${field}.host`, host));
  for (const [i, path] of (http?.paths ?? []).entries()) {
    causes.push(...pathCauses(path, `${field}.http.paths[${i}]`));
  }
  return causes;
}

function pathCauses({ path = "", pathType, backend }: IngressPath, field: string): Cause[] {
  if (pathType === undefined) {
    return [missing(`${field}.pathType`, "pathType must be specified")];
  }
  const causes: Cause[] = [];
  const at = `${field}.path`;
  if (!PATH_TYPES.includes(pathType)) {
    causes.push(notSupported(`${field}.pathType`, pathType, PATH_TYPES));
  } else if (pathType === "ImplementationSpecific") {
    if (path && !path.startsWith("/")) causes.push(invalid(at, path, "must be an absolute path"));
  } else {
    if (!path.startsWith("/")) causes.push(invalid(at, path, "must be an absolute path"));
    for (const part of FORBIDDEN_IN_PATHS) {
      if (path.includes(part)) causes.push(invalid(at, path, `must not contain '${part}'`));
    }
    for (const end of FORBIDDEN_AT_ENDS) {
      if (path.endsWith(end)) causes.push(invalid(at, path, `cannot end with '${end}'`));
    }
  }
  return [...causes, ...backendCauses(backend, `${field}.backend`)];
}

function backendCauses({ service, resource }: IngressBackend, field: string): Cause[] {
  if (service && resource) {
    return [invalid(field, "", "cannot set both resource and service backends")];
  }
  if (resource) return referenceCauses(resource, `${field}.resource`);
  if (!service) return [invalid(field, "", "resource or service backend is required")];
  const { name, number } = service.port ?? {};
  const causes = nameCauses(`${field}.service.name`, service.name, dns1035LabelFaults);
  const at = `${field}.service.port`;
  if (name && number) {
    return [...causes, invalid(field, "", "cannot set both port name & port number")];
  }
  if (name) return [...causes, ...nameCauses(`${at}.name`, name, portNameFaults)];
  if (number) return [...causes, ...portNumberCauses(`${at}.number`, number)];
  return [...causes, missing(field, "port name or number is required")];
}

/** A reference to an object whose group, kind and name become parts of a path. */
export function referenceCauses(
  { apiGroup, kind, name }: { apiGroup?: string; kind: string; name: string },
  field: string,
): Cause[] {
  return [
    ...nameCauses(`${field}.apiGroup`, apiGroup, subdomainFaults),
    ...nameCauses(`${field}.kind`, kind, pathSegmentFaults),
    ...nameCauses(`${field}.name`, name, pathSegmentFaults),
  ];
}

export function ingressStatusCauses(next: IngressStatus, previous: IngressStatus): Cause[] {
  const known = new Set(previous.loadBalancer.ingress?.map(({ ip }) => ip));
  return (next.loadBalancer.ingress ?? []).flatMap(({ ip, hostname }, i) => {
    const at = `status.loadBalancer.ingress[${i}]`;
    return [
      ...(ip && !known.has(ip) ? sloppyIpCauses(`${at}.ip`, ip) : []),
      ...nameCauses(`${at}.hostname`, hostname, subdomainFaults),
      ...(hostname && parseSloppyIp(hostname)
        ? [invalid(`${at}.hostname`, hostname, NO_ADDRESS)]
        : []),
    ];
  });
}
