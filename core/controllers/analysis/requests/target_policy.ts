import {
  type IpAddress,
  type IpRange,
  isWithin,
  parseIp,
  parseIpRange,
  specialUseOf,
} from "../../../lib/addresses/ip_address.ts";

/** Where machines of clouds are told their secrets, outside of the link-local ranges. */
const METADATA_RANGES: readonly IpRange[] = [
  "fd00:ec2::254/128", // AWS
  "168.63.129.16/32", // Azure
  "100.100.100.200/32", // Alibaba
  "192.0.0.192/32", // Oracle
].map((range) => parseIpRange(range)!);

/**
 * Whom metrics may ask: whoever writes an AnalysisTemplate chooses the address, and the server's own machine and its
 * cloud trust what comes from here. What is allowed beyond that is named by whoever runs the server.
 */
export class TargetPolicy {
  readonly #names: ReadonlySet<string>;
  readonly #suffixes: readonly string[];
  readonly #ranges: readonly IpRange[];

  /** `allowed`: names, `*.example.com`, addresses and ranges in CIDR notation. Throws for what is none of these. */
  constructor(allowed: readonly string[] = []) {
    const ranges = allowed.map(parseIpRange);
    this.#ranges = ranges.filter((range) => range !== undefined);
    const names = allowed.filter((_, i) => ranges[i] === undefined).map(normalName);
    const wrong = names.find((name) => !/^(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/.test(name));
    if (wrong !== undefined) {
      throw new RangeError(`"${wrong}" is neither a name nor an address nor a range of addresses`);
    }
    this.#names = new Set(names.filter((name) => !name.startsWith("*.")));
    this.#suffixes = names.filter((name) => name.startsWith("*.")).map((name) => name.slice(1));
  }

  /** Whether a name may stand for whatever address. */
  allowsName(host: string): boolean {
    const name = normalName(host);
    return this.#names.has(name) || this.#suffixes.some((suffix) => name.endsWith(suffix));
  }

  /** Why an address is not asked; `undefined` when it may be. */
  faultOf(text: string): string | undefined {
    const address = parseIp(text);
    if (address === undefined) return `${text} is no address`;
    if (this.#ranges.some((range) => isWithin(address, range))) return undefined;
    return unaskedUse(address);
  }

  /** The same for an endpoint of a Service: where pods have no network of their own, they are on loopback. */
  endpointFaultOf(text: string): string | undefined {
    const address = parseIp(text);
    const isLoopback = address !== undefined && specialUseOf(address) === "loopback";
    return isLoopback ? undefined : this.faultOf(text);
  }
}

function unaskedUse(address: IpAddress): string | undefined {
  const use = specialUseOf(address) ??
    (METADATA_RANGES.some((range) => isWithin(address, range)) ? "metadata" : undefined);
  return use && `${use} addresses are not asked`;
}

/** Names of hosts are equal whatever their case, with and without a dot at the end. */
export function normalName(host: string): string {
  return host.toLowerCase().replace(/\.$/, "");
}
