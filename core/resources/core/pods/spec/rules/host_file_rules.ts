import { isIP } from "node:net";
import { type Cause, invalid, missing } from "../../../../../schema/causes.ts";
import { subdomainFaults, underscoredSubdomainFaults } from "../../../../../schema/names.ts";
import type { PodSpec } from "../pod_spec.ts";

// What becomes a line of a file that the node writes for the pod: /etc/hosts, /etc/resolv.conf. A value that could end
// its line would write the next one too. The words are those of k8s.io/kubernetes/pkg/apis/core/validation.

const NAMESERVERS_MAX = 3;
const SEARCHES_MAX = 32;
const SEARCHES_CHARS_MAX = 2048;

export function hostFileCauses(spec: PodSpec, field: string): Cause[] {
  return [
    ...hostAliasCauses(spec, `${field}.hostAliases`),
    ...dnsCauses(spec, `${field}.dnsConfig`),
  ];
}

function hostAliasCauses({ hostAliases = [] }: PodSpec, field: string): Cause[] {
  return hostAliases.flatMap(({ ip, hostnames = [] }, i) => [
    ...addressCauses(`${field}[${i}].ip`, ip),
    ...hostnames.flatMap((name, j) => {
      const at = `${field}[${i}].hostnames[${j}]`;
      return subdomainFaults(name).map((fault) => invalid(at, name, fault));
    }),
  ]);
}

function dnsCauses({ dnsPolicy, dnsConfig }: PodSpec, field: string): Cause[] {
  const { nameservers = [], searches = [] } = dnsConfig ?? {};
  if (dnsPolicy === "None" && nameservers.length === 0) {
    const rule = "must provide at least one DNS nameserver when `dnsPolicy` is None";
    return dnsConfig
      ? [missing(`${field}.nameservers`, rule)]
      : [missing(field, "must provide `dnsConfig` when `dnsPolicy` is None")];
  }
  const causes: Cause[] = [];
  if (nameservers.length > NAMESERVERS_MAX) {
    const rule = `must not have more than ${NAMESERVERS_MAX} nameservers`;
    causes.push(invalid(`${field}.nameservers`, nameservers, rule));
  }
  if (searches.length > SEARCHES_MAX) {
    const rule = `must not have more than ${SEARCHES_MAX} search paths`;
    causes.push(invalid(`${field}.searches`, searches, rule));
  }
  if (searches.join(" ").length > SEARCHES_CHARS_MAX) {
    const rule =
      `must not have more than ${SEARCHES_CHARS_MAX} characters (including spaces) in the search list`;
    causes.push(invalid(`${field}.searches`, searches, rule));
  }
  return [
    ...causes,
    ...nameservers.flatMap((each, i) => addressCauses(`${field}.nameservers[${i}]`, each)),
    ...searchCauses(searches, `${field}.searches`),
    ...optionCauses(dnsConfig, `${field}.options`),
  ];
}

/** A dot at the end, or alone, says that nothing is to be added. */
function searchCauses(searches: readonly string[], field: string): Cause[] {
  return searches.flatMap((search, i) => {
    if (search === ".") return [];
    const name = search.replace(/\.$/, "");
    return underscoredSubdomainFaults(name).map((fault) => invalid(`${field}[${i}]`, name, fault));
  });
}

/** Kubernetes takes any text here. One that ends its word, or its line, would be another option, or another line. */
function optionCauses(dnsConfig: PodSpec["dnsConfig"], field: string): Cause[] {
  return (dnsConfig?.options ?? []).flatMap(({ name, value }, i) => {
    const at = `${field}[${i}]`;
    const rule = "must not contain white space or control characters";
    return [
      ...(name ? [] : [missing(at, "must not be empty")]),
      ...(isOneWord(name) ? [] : [invalid(`${at}.name`, name, rule)]),
      ...(isOneWord(value) ? [] : [invalid(`${at}.value`, value, rule)]),
    ];
  });
}

function isOneWord(text: string | undefined): boolean {
  // deno-lint-ignore no-control-regex -- control characters are what is looked for
  return !/[\s\x00-\x1f\x7f]/.test(text ?? "");
}

/** An address of IPv4 or IPv6, without a zone. */
function addressCauses(field: string, address: string): Cause[] {
  const rule = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";
  return isIP(address) === 0 || address.includes("%") ? [invalid(field, address, rule)] : [];
}
