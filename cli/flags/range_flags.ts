import { type Command, InvalidArgumentError, Option } from "commander";
import { parseIpv4Range } from "../../core/lib/addresses/ipv4.ts";

/** A range with fewer addresses has none for pods. */
const MASK_SIZE_MAX = 30;
const MASK_SIZE_MIN = 8;

/** Adds the flags of Kubernetes' node IPAM controller, with its names and its defaults. */
export function withRangeFlags(command: Command): Command {
  return command
    .option(
      "--cluster-cidr <cidr>",
      "addresses of pods in the cluster, of which nodes get theirs (10.42.0.0/16, then up to 10.95.255.255)",
      clusterRange,
    )
    .option("--node-cidr-mask-size <bits>", "size of the range of each node (24)", maskSize)
    .addOption(
      new Option("--node-cidr-mask-size-ipv4 <bits>", "the same").argParser(maskSize).hideHelp(),
    )
    .addOption(new Option("--node-cidr-mask-size-ipv6 <bits>", "of IPv6").hideHelp());
}

function clusterRange(text: string): string {
  const range = parseIpv4Range(text);
  if (range && range.prefixLength >= MASK_SIZE_MIN && range.prefixLength <= MASK_SIZE_MAX) {
    return text;
  }
  throw new InvalidArgumentError(
    "It must be an IPv4 range of /8 to /30 by its first address, such as 10.42.0.0/16.",
  );
}

function maskSize(text: string): number {
  const bits = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (bits >= MASK_SIZE_MIN && bits <= MASK_SIZE_MAX) return bits;
  throw new InvalidArgumentError(
    `It must be a number from ${MASK_SIZE_MIN} to ${MASK_SIZE_MAX}, such as 24.`,
  );
}
