import { InvalidArgumentError } from "commander";
import { TargetPolicy } from "../core/controllers/analysis/requests/target_policy.ts";
import { parseIp } from "../core/lib/addresses/ip_address.ts";
import { subdomainFaults } from "../core/schema/names.ts";
import { messageOf } from "../core/lib/error_message.ts";
import { formatIpv4Range, parseIpv4Range } from "../core/lib/addresses/ipv4.ts";
import type { EventLimit } from "../core/objects/admission/plugins/event_rate_limit.ts";
import {
  OPTIONAL_PLUGINS,
  type OptionalPlugin,
} from "../core/objects/admission/optional_plugins.ts";

/** `127.0.0.1:6443`, `[::1]:0`, `localhost:6443`. */
export function listenAddress(text: string): { host: string; port: number } {
  const match = text.match(/^(?:\[([0-9a-fA-F:]+)\]|([^:\s[\]]+)):(\d{1,5})$/);
  const port = Number(match?.[3]);
  if (!match || port > 65_535) {
    throw new InvalidArgumentError("It must be HOST:PORT, such as 127.0.0.1:6443.");
  }
  return { host: match[1] ?? match[2]!, port };
}

/** `coracle.example.com,192.0.2.1`: what a certificate can name. */
export function advertisedNames(text: string): string[] {
  const names = text.split(",").map((name) => name.trim());
  const bad = names.find((name) => parseIp(name) === undefined && subdomainFaults(name).length > 0);
  if (bad === undefined) return [...new Set(names)];
  throw new InvalidArgumentError(
    `"${bad}" is neither a DNS name nor an address; separate several with commas.`,
  );
}

/** `30`, `0.5`. */
export function secondsOf(text: string): number {
  if (!/^\d{1,5}(\.\d+)?$/.test(text)) {
    throw new InvalidArgumentError("It must be a number of seconds, such as 30.");
  }
  return Number(text);
}

/** `DenyServiceExternalIPs`, or several names with commas between. */
export function optionalPlugins(text: string): OptionalPlugin[] {
  const names = text.split(",").map((name) => name.trim());
  const unknown = names.find((name) => !OPTIONAL_PLUGINS.some((known) => known === name));
  if (unknown !== undefined) {
    throw new InvalidArgumentError(
      `"${unknown}" is none of the plugins that can be enabled: ${OPTIONAL_PLUGINS.join(", ")}.`,
    );
  }
  return names as OptionalPlugin[]; // each has been found among them
}

/** `Server=50/100,Namespace=5/10`: Events a second, and at once. */
export function eventLimits(text: string): EventLimit[] {
  return text.split(",").map((part) => {
    const match = part.trim().match(
      /^(Server|Namespace|User|SourceAndObject)=(\d{1,6})\/(\d{1,6})$/,
    );
    const [qps, burst] = [Number(match?.[2]), Number(match?.[3])];
    if (!match || qps < 1 || burst < 1) {
      throw new InvalidArgumentError(
        "It must be TYPE=QPS/BURST, such as Namespace=50/100; TYPE is Server, Namespace, User or SourceAndObject.",
      );
    }
    return { type: match[1] as EventLimit["type"], qps, burst };
  });
}

/** `metrics.example.com,*.corp.example,127.0.0.1,10.0.0.0/8`. */
export function analysisTargets(text: string): string[] {
  const targets = text.split(",").map((part) => part.trim());
  try {
    new TargetPolicy(targets);
  } catch (error) {
    throw new InvalidArgumentError(`${messageOf(error)}.`);
  }
  return targets;
}

/** `192.0.2.240/28`: IPv4 addresses, of which one is enough. */
export function balancerRange(text: string): string {
  const range = parseIpv4Range(text);
  if (range === undefined || range.prefixLength < 16) {
    throw new InvalidArgumentError(
      "It must be an IPv4 range of /16 to /32, such as 192.168.1.240/28.",
    );
  }
  return formatIpv4Range(range);
}
