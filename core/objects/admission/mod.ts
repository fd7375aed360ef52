import { type Ipv4Range, parseIpv4Range } from "../../lib/addresses/ipv4.ts";
import type { Random } from "../../lib/random.ts";
import type { AdmissionCheck, AdmissionRule } from "./admission_rule.ts";
import { endpointAddresses } from "./endpoint_addresses.ts";
import { namespaceContent } from "./namespace_content.ts";
import { namespaceLifecycle } from "./namespace_lifecycle.ts";
import { nodeTaints } from "./node_taints.ts";
import { podDefaults } from "./pod_defaults.ts";
import { podSecurity, podSecurityLabels } from "./pod_security/pod_security.ts";
import { runtimeClasses } from "./runtime_classes.ts";
import { ServiceAddresses } from "./service_addresses.ts";

export interface AdmissionOptions {
  random: Random;
  /** Where the addresses of Services come from. */
  range: Ipv4Range;
}

/** A smaller range has no address to give. */
const SERVICE_PREFIX_MAX = 29;
/** As kube-apiserver has them by default. */
const NODE_PORTS = { first: 30_000, last: 32_767 };

/** Every rule, in the order in which they see an object. A new rule is one file and one line here. */
export function admissionRules({ random, range }: AdmissionOptions): AdmissionRule[] {
  const addresses = new ServiceAddresses({ random, range, nodePorts: NODE_PORTS });
  return [
    namespaceLifecycle,
    namespaceContent,
    podSecurityLabels,
    nodeTaints,
    podDefaults,
    addresses.admit,
    endpointAddresses,
  ];
}

/** Every check of what is else fit to be stored. A new one is one file and one line here. */
export const ADMISSION_CHECKS: readonly AdmissionCheck[] = [runtimeClasses, podSecurity];

/** The range that a text such as `10.96.0.0/16` names. Throws when it is none, or too small. */
export function serviceRange(text: string): Ipv4Range {
  const range = parseIpv4Range(text);
  if (range && range.prefixLength <= SERVICE_PREFIX_MAX) return range;
  throw new Error(`Cannot use "${text}" for the addresses of Services: write it like 10.96.0.0/16`);
}
