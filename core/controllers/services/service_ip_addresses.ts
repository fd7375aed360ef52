import type { ObjectName, View } from "../../client/client.ts";
import { isIpv4, parseIp } from "../../lib/addresses/ip_address.ts";
import {
  ADDRESS_MANAGED_BY,
  ADDRESS_MANAGER,
} from "../../resources/core/services/service_addresses.ts";
import { type Service, services } from "../../resources/core/services/services.ts";
import { ipAddresses, type IpAddressObject } from "../../resources/networking/ip_addresses.ts";
import {
  type Controller,
  create,
  NOTHING,
  type Plan,
  plan,
  remove,
  type Write,
} from "../runtime/controller.ts";

const FAMILY = "ipaddress.kubernetes.io/ip-family";

/**
 * Keeps an IPAddress for each address that a Service has, by which users see who has it. What users have made themselves is
 * left alone, unless a Service has that address.
 *
 * Kubernetes: `pkg/registry/core/service/ipallocator`, whose allocator makes them, and its repair loop.
 */
export const serviceIpAddressController: Controller<Service> = {
  name: "ipallocator-repair-controller",
  resource: services,
  watches: [{
    resource: ipAddresses,
    concerns: (address): ObjectName[] => {
      const { group = "", resource, namespace, name } = parentOf(address as IpAddressObject);
      return group === "" && resource === "services" && namespace && name
        ? [{ namespace, name }]
        : [];
    },
  }],
  workers: 2,
  reconcile,
  gone: (name, view) => plan(ownOf(name, view).map((address) => remove(ipAddresses, address))),
};

function reconcile({ metadata, spec }: Service, view: View): Plan {
  const name = { namespace: metadata.namespace, name: metadata.name };
  const wanted = (spec.clusterIPs ?? []).filter((address) => parseIp(address) !== undefined);
  const writes = [
    ...ownOf(name, view)
      .filter((address) => !wanted.includes(address.metadata.name))
      .map((address) => remove(ipAddresses, address)),
    ...wanted.flatMap((address) => writesFor(address, name, view)),
  ];
  return writes.length === 0 ? NOTHING : plan(writes);
}

/** Its parent never changes: one that names another is made anew, unless that other Service has the address, too. */
function writesFor(
  address: string,
  name: Required<ObjectName> & { namespace: string },
  view: View,
): Write[] {
  const found = view.get(ipAddresses, { name: address });
  const made = create(ipAddresses, addressOf(address, name));
  if (!found) return [made];
  const { group = "", resource, ...parent } = parentOf(found);
  const isOfService = group === "" && resource === "services";
  const isOwn = isOfService && parent.namespace === name.namespace && parent.name === name.name;
  if (isOwn && isManaged(found)) return [];
  if (isOfService && !isOwn && hasAddress(parent, address, view)) return [];
  return [remove(ipAddresses, found), made];
}

function parentOf(
  { spec }: IpAddressObject,
): Partial<NonNullable<IpAddressObject["spec"]["parentRef"]>> {
  return spec.parentRef ?? {};
}

function hasAddress(
  { namespace = "", name = "" }: { namespace?: string | undefined; name?: string | undefined },
  address: string,
  view: View,
): boolean {
  const service = view.get(services, { namespace, name });
  return service?.spec.clusterIPs?.includes(address) ?? false;
}

function addressOf(address: string, { namespace, name }: { namespace: string; name: string }) {
  const family = isIpv4(parseIp(address)!) ? "IPv4" : "IPv6";
  return {
    metadata: {
      name: address,
      labels: { [FAMILY]: family, [ADDRESS_MANAGED_BY]: ADDRESS_MANAGER },
    },
    spec: { parentRef: { resource: "services", namespace, name } },
  };
}

function isManaged({ metadata: { labels } }: IpAddressObject): boolean {
  return labels?.[ADDRESS_MANAGED_BY] === ADDRESS_MANAGER && labels[FAMILY] !== undefined;
}

/** Those of a Service that were made for it. */
function ownOf({ namespace, name }: ObjectName, view: View): readonly IpAddressObject[] {
  return view.by(ipAddresses, "parent", `services/${namespace}/${name}`).filter(isManaged);
}
