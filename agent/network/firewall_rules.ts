import { formatIpv4, isInRange, parseIpv4, parseIpv4Range } from "../../core/lib/addresses/ipv4.ts";

/** Whose packets belong to the cluster, besides those of this node's own pods. */
export interface Cluster {
  /** Ranges of pods of other nodes that are on this very machine. */
  machine: readonly string[];
  /** Ranges of pods of nodes elsewhere. */
  elsewhere: readonly string[];
  /** Addresses of those nodes. */
  nodes: readonly string[];
  /** Ranges of pods of nodes whose packets come through the tunnel, by a device of its own. */
  far: readonly string[];
}

export const NO_CLUSTER: Cluster = { machine: [], elsewhere: [], nodes: [], far: [] };

/** What the rules of a node protect. */
export interface Guarded {
  /** Name of the nftables table, ours alone. */
  table: string;
  /** The group that the node's ends of its pods' devices are in. */
  group: number;
  /** The range of this node's pods. */
  podCIDR: string;
  /** Where the addresses of services are this machine's own. */
  serviceCIDR?: string;
  /** Whether the kernel knows by which device an address is routed (`nft_fib_ipv4`). */
  hasFib: boolean;
}

/** A set of ranges and addresses that changes while the rules stay. */
export type SetName = "cluster" | "machine" | "elsewhere" | "far";

export type Condition =
  | { is: "loopback" | "fromPod" | "partOfConnection" }
  /** Whether what is sent back to the source leaves by the device that the packet came by (RFC 3704, strict). */
  | { is: "wayBack"; yes: boolean }
  | { is: "to"; ranges: readonly string[]; yes: boolean }
  | { is: "from"; ranges: readonly string[] }
  | { is: "fromSet"; set: SetName };

export interface Rule {
  when: readonly Condition[];
  then: "accept" | "drop";
}

/**
 * Who may send to whom, in the order in which it is tried; what no rule matches is accepted. A pod sends with its own
 * address only, and nothing to the node's loopback. The addresses of services answer this machine and its pods; those
 * of pods answer also other nodes and their pods; those of far nodes' pods reach pods alone, and not the node by its address
 * towards them. NodePorts and Gateways have the node's own addresses: they are open.
 */
export function inboundRules({ podCIDR, serviceCIDR, hasFib }: Guarded): Rule[] {
  const own = serviceCIDR === undefined ? [podCIDR] : [podCIDR, serviceCIDR];
  const wayBack = hasFib ? [{ is: "wayBack", yes: true } as const] : [];
  const isFromPod = { is: "fromPod" } as const;
  const isToPods: Condition[] = [
    { is: "to", ranges: [podCIDR], yes: true },
    { is: "to", ranges: [gatewayOf(podCIDR)], yes: false },
  ];
  return [
    { when: [{ is: "loopback" }], then: "accept" },
    ...(hasFib
      ? [{ when: [isFromPod, { is: "wayBack", yes: false } as const], then: "drop" as const }]
      : []),
    { when: [isFromPod, { is: "to", ranges: ["127.0.0.0/8"], yes: true }], then: "drop" },
    { when: [isFromPod], then: "accept" },
    { when: [{ is: "to", ranges: own, yes: false }], then: "accept" },
    { when: [{ is: "partOfConnection" }], then: "accept" },
    { when: [{ is: "from", ranges: [podCIDR] }, ...wayBack], then: "accept" },
    { when: [{ is: "fromSet", set: "machine" }, ...wayBack], then: "accept" },
    {
      when: [{ is: "to", ranges: [podCIDR], yes: true }, { is: "fromSet", set: "elsewhere" }],
      then: "accept",
    },
    { when: [...isToPods, { is: "fromSet", set: "far" }, ...wayBack], then: "accept" },
    { when: [], then: "drop" },
  ];
}

/** The node's address towards its pods: the first of their range. */
function gatewayOf(podCIDR: string): string {
  return `${formatIpv4(parseIpv4Range(podCIDR)!.first + 1)}/32`;
}

/** A packet as the rules see it, before any address of it is translated. */
export interface Packet {
  by: "loopback" | "pod" | "other";
  from: string;
  to: string;
  hasWayBack: boolean;
  isPartOfConnection: boolean;
}

/** What the kernel does with a packet. */
export function verdictOn(packet: Packet, guarded: Guarded, cluster: Cluster): Rule["then"] {
  const sets = setsOf(cluster);
  const holds = (condition: Condition): boolean => {
    switch (condition.is) {
      case "loopback":
        return packet.by === "loopback";
      case "fromPod":
        return packet.by === "pod";
      case "partOfConnection":
        return packet.isPartOfConnection;
      case "wayBack":
        return packet.hasWayBack === condition.yes;
      case "to":
        return isInAny(packet.to, condition.ranges) === condition.yes;
      case "from":
        return isInAny(packet.from, condition.ranges);
      case "fromSet":
        return isInAny(packet.from, sets[condition.set]);
    }
  };
  return inboundRules(guarded).find(({ when }) => when.every(holds))?.then ?? "accept";
}

/** What is in the sets of the rules. */
export function setsOf(
  { machine, elsewhere, nodes, far }: Cluster,
): Record<SetName, readonly string[]> {
  return {
    cluster: [...machine, ...elsewhere, ...far],
    machine,
    elsewhere: [...elsewhere, ...nodes],
    far,
  };
}

/**
 * The table as nft(8) reads it, in one transaction, whatever part of it is there already. What is in its sets stays, so that
 * after a restart other nodes are let in as before.
 */
export function tableText(guarded: Guarded): string {
  const { table, podCIDR, serviceCIDR } = guarded;
  const own = [podCIDR, ...(serviceCIDR ? [serviceCIDR] : [])].join(", ");
  const chain = (name: string, hook: string) =>
    `add chain ip ${table} ${name} { ${hook} policy accept; }\nflush chain ip ${table} ${name}\n`;
  const rule = (chain: string, text: string) => `add rule ip ${table} ${chain} ${text}\n`;
  const toOutside = `ip daddr != { ${own} } ip daddr != @cluster`;
  return [
    `add table ip ${table}\n`,
    ...Object.keys(setsOf(NO_CLUSTER)).map((name) =>
      `add set ip ${table} ${name} { type ipv4_addr; flags interval; auto-merge; }\n`
    ),
    chain("postrouting", "type nat hook postrouting priority srcnat;"),
    rule("postrouting", `ip saddr ${podCIDR} ${toOutside} masquerade`),
    chain("inbound", "type filter hook prerouting priority mangle;"),
    ...inboundRules(guarded).map((each) => rule("inbound", ruleText(each, guarded))),
  ].join("");
}

/** Other contents of the sets, in one transaction. */
export function clusterText({ table }: Guarded, cluster: Cluster): string {
  return Object.entries(setsOf(cluster)).map(([name, ranges]) =>
    `flush set ip ${table} ${name}\n` +
    (ranges.length > 0 ? `add element ip ${table} ${name} { ${ranges.join(", ")} }\n` : "")
  ).join("");
}

/** Removes all of it; succeeds when nothing is there. */
export function removalText(table: string): string {
  return `add table ip ${table}\ndelete table ip ${table}\n`;
}

function ruleText({ when, then }: Rule, { group }: Guarded): string {
  const conditions = when.map((condition): string => {
    switch (condition.is) {
      case "loopback":
        return 'iifname "lo"';
      case "fromPod":
        return `meta iifgroup ${group}`;
      case "partOfConnection":
        return "ct state established,related";
      case "wayBack":
        return `fib saddr . iif oif ${condition.yes ? "exists" : "missing"}`;
      case "to":
        return `ip daddr ${condition.yes ? "" : "!= "}{ ${condition.ranges.join(", ")} }`;
      case "from":
        return `ip saddr { ${condition.ranges.join(", ")} }`;
      case "fromSet":
        return `ip saddr @${condition.set}`;
    }
  });
  return [...conditions, then].join(" ");
}

function isInAny(address: string, ranges: readonly string[]): boolean {
  const number = parseIpv4(address)!;
  return ranges.some((range) =>
    isInRange(number, parseIpv4Range(range.includes("/") ? range : `${range}/32`)!)
  );
}
