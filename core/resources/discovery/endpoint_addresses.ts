import { isIpv4, parseIp, specialUseOf } from "../../lib/addresses/ip_address.ts";
import { isEqual } from "../../lib/equality.ts";
import { type Cause, invalid } from "../../schema/causes.ts";
import { subdomainFaults } from "../../schema/names.ts";
import type { KubeObject } from "../resource.ts";

interface Slice extends KubeObject {
  addressType: "FQDN" | "IPv4" | "IPv6";
  endpoints: readonly { addresses: readonly string[] }[];
  ports: readonly unknown[];
}

/**
 * Endpoints that clients name are hosts of a network: traffic to them is sent by this machine, which must not be led to
 * itself or to what only its own link reaches. Only our own controllers may name such an address, for pods and the API
 * have loopback addresses where there is no root. A client may keep what they have named, as it is.
 *
 * The words are those of k8s.io/kubernetes/pkg/apis/core/validation, ValidateNonSpecialIP.
 */
export function endpointAddressCauses(next: Slice, previous: Slice | undefined): Cause[] {
  if (previous && leadsTheSameWay(next, previous)) return [];
  return next.endpoints.flatMap(({ addresses }, i) =>
    addresses.flatMap((address, j) =>
      addressCauses(next.addressType, address, `endpoints[${i}].addresses[${j}]`)
    )
  );
}

/** Whether the same Service gets the same addresses and ports. */
function leadsTheSameWay(slice: Slice, before: Slice): boolean {
  const SERVICE = "kubernetes.io/service-name";
  return slice.metadata.labels?.[SERVICE] === before.metadata.labels?.[SERVICE] &&
    slice.addressType === before.addressType && isEqual(slice.ports, before.ports) &&
    isEqual(slice.endpoints, before.endpoints);
}

function addressCauses(
  type: Slice["addressType"],
  text: string,
  field: string,
): Cause[] {
  if (type === "FQDN") return subdomainFaults(text).map((fault) => invalid(field, text, fault));
  const address = parseIp(text);
  if (
    address === undefined || isIpv4(address) !== (type === "IPv4") ||
    (isIpv4(address) && text.includes(":"))
  ) {
    return [invalid(field, text, `must be a valid ${type} address`)];
  }
  const causes = specialUseCauses(text, field);
  return causes.length === 0 && specialUseOf(address) === "multicast"
    ? [invalid(field, text, "may not be in the multicast range (224.0.0.0/4, ff00::/8)")]
    : causes;
}

/** Addresses that lead back to whoever uses them, or no further than his own link. Of `text`, which is an address. */
export function specialUseCauses(text: string, field: string): Cause[] {
  switch (specialUseOf(parseIp(text)!)) {
    case "unspecified":
      return [invalid(field, text, `may not be unspecified (${text})`)];
    case "loopback":
      return [invalid(field, text, "may not be in the loopback range (127.0.0.0/8, ::1/128)")];
    case "link-local": {
      const why = "may not be in the link-local range (169.254.0.0/16, fe80::/10)";
      return [invalid(field, text, why)];
    }
    case "link-local multicast": {
      const why = "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)";
      return [invalid(field, text, why)];
    }
    default:
      return [];
  }
}
