import { isWithin } from "../../lib/addresses/ip_address.ts";
import { networkOf, parseSloppyCidr } from "../../lib/addresses/ip_text.ts";
import { cidrWarnings, sloppyCidrCauses } from "../../schema/address_rules.ts";
import { type Cause, forbidden, invalid, missing } from "../../schema/causes.ts";
import { labelSelectorCauses } from "../../schema/label_selector.ts";
import { portNameFaults } from "../../schema/names.ts";
import { portNumberCauses } from "../../schema/value_rules.ts";
import type { NetworkPolicySpec, PolicyPeer, PolicyPort } from "./network_policy_shape.ts";

/** The rules for a NetworkPolicy, in the words of k8s.io/kubernetes/pkg/apis/networking/validation. */
export function policyCauses(
  spec: NetworkPolicySpec,
  previous: NetworkPolicySpec | undefined,
): Cause[] {
  // Ranges that were taken before are taken again.
  const known = new Set(previous && rangesOf(previous).map(({ text }) => text));
  const causes = labelSelectorCauses(spec.podSelector, "spec.podSelector");
  for (const { ports, peers, peersField, field } of rulesOf(spec)) {
    ports.forEach((port, i) => causes.push(...portCauses(port, `${field}.ports[${i}]`)));
    peers.forEach((peer, i) => causes.push(...peerCauses(peer, `${peersField}[${i}]`, known)));
  }
  if (spec.policyTypes && spec.policyTypes.length > 2) {
    const rule = "may not specify more than two policyTypes";
    causes.push(invalid("spec.policyTypes", spec.policyTypes, rule));
  }
  return causes;
}

export function policyWarnings(spec: NetworkPolicySpec): string[] {
  return rangesOf(spec).flatMap(({ field, text }) => cidrWarnings(field, text));
}

interface Rule {
  field: string;
  ports: readonly PolicyPort[];
  peers: readonly PolicyPeer[];
  peersField: string;
}

function rulesOf({ ingress = [], egress = [] }: NetworkPolicySpec): Rule[] {
  return [
    ...ingress.map(({ ports = [], from = [] }, i) => {
      const field = `spec.ingress[${i}]`;
      return { field, ports, peers: from, peersField: `${field}.from` };
    }),
    ...egress.map(({ ports = [], to = [] }, i) => {
      const field = `spec.egress[${i}]`;
      return { field, ports, peers: to, peersField: `${field}.to` };
    }),
  ];
}

function rangesOf(spec: NetworkPolicySpec): { field: string; text: string }[] {
  return rulesOf(spec).flatMap(({ peers, peersField }) =>
    peers.flatMap(({ ipBlock }, i) => {
      if (!ipBlock) return [];
      const field = `${peersField}[${i}].ipBlock`;
      return [
        { field: `${field}.cidr`, text: ipBlock.cidr ?? "" },
        ...(ipBlock.except ?? []).map((text, j) => ({ field: `${field}.except[${j}]`, text })),
      ];
    })
  );
}

function portCauses({ port, endPort }: PolicyPort, field: string): Cause[] {
  const end = `${field}.endPort`;
  if (port === undefined) {
    return endPort === undefined
      ? []
      : [invalid(end, endPort, "may not be specified when `port` is not specified")];
  }
  if (typeof port === "string") {
    return [
      ...(endPort === undefined
        ? []
        : [invalid(end, endPort, "may not be specified when `port` is non-numeric")]),
      ...portNameFaults(port).map((fault) => invalid(`${field}.port`, port, fault)),
    ];
  }
  const causes = portNumberCauses(`${field}.port`, port);
  if (endPort === undefined) return causes;
  if (endPort < port) {
    causes.push(invalid(end, port, "must be greater than or equal to `port`"));
  }
  return [...causes, ...portNumberCauses(end, endPort)];
}

function peerCauses(peer: PolicyPeer, field: string, known: ReadonlySet<string>): Cause[] {
  const { podSelector, namespaceSelector, ipBlock } = peer;
  const causes = [
    ...(podSelector ? labelSelectorCauses(podSelector, `${field}.podSelector`) : []),
    ...(namespaceSelector
      ? labelSelectorCauses(namespaceSelector, `${field}.namespaceSelector`)
      : []),
    ...(ipBlock?.cidr ? blockCauses(ipBlock, `${field}.ipBlock`, known) : []),
  ];
  const count = Object.keys(peer).length;
  if (count === 0) causes.push(missing(field, "must specify a peer"));
  else if (count > 1 && ipBlock) {
    causes.push(forbidden(field, "may not specify both ipBlock and another peer"));
  }
  return causes;
}

function blockCauses(
  { cidr, except = [] }: NonNullable<PolicyPeer["ipBlock"]>,
  field: string,
  known: ReadonlySet<string>,
): Cause[] {
  const causesOf = (at: string, text: string) => known.has(text) ? [] : sloppyCidrCauses(at, text);
  const causes = causesOf(`${field}.cidr`, cidr);
  const whole = parseSloppyCidr(cidr);
  if (!whole) return causes;
  const range = { first: networkOf(whole), prefixLength: whole.prefixLength };
  for (const [i, text] of except.entries()) {
    const at = `${field}.except[${i}]`;
    causes.push(...causesOf(at, text));
    const part = parseSloppyCidr(text);
    if (part && !(isWithin(networkOf(part), range) && part.prefixLength > range.prefixLength)) {
      causes.push(invalid(at, text, "must be a strict subset of `cidr`"));
    }
  }
  return causes;
}
