import assert from "node:assert/strict";
import { type EndpointSlice, endpointSlices } from "../../resources/discovery/endpoint_slices.ts";
import { freshObjects } from "../../objects/objects_fixture.ts";
import type { Objects } from "../../objects/objects.ts";
import type { WriteOptions } from "../../client/write_options.ts";

const NAME = { namespace: "default", name: "web" };
const OWN = { isOwn: true } as const;
const LOOPBACK = "may not be in the loopback range (127.0.0.0/8, ::1/128)";
const LINK_LOCAL = "may not be in the link-local range (169.254.0.0/16, fe80::/10)";
const LINK_MULTICAST = "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)";
const MULTICAST = "may not be in the multicast range (224.0.0.0/4, ff00::/8)";

Deno.test("clients name no address that leads to this machine or its link, in Kubernetes' words", async () => {
  const { objects } = await freshObjects();
  const cases: [addressType: string, address: string, why: string][] = [
    ["IPv4", "127.0.0.1", LOOPBACK],
    ["IPv4", "127.9.9.9", LOOPBACK],
    ["IPv4", "169.254.169.254", LINK_LOCAL],
    ["IPv4", "224.0.0.1", LINK_MULTICAST],
    ["IPv4", "239.1.2.3", MULTICAST],
    ["IPv4", "0.0.0.0", "may not be unspecified (0.0.0.0)"],
    ["IPv4", "localhost", "must be a valid IPv4 address"],
    ["IPv4", "127.1", "must be a valid IPv4 address"],
    ["IPv4", "0177.0.0.1", "must be a valid IPv4 address"],
    ["IPv4", "2130706433", "must be a valid IPv4 address"],
    ["IPv4", "::1", "must be a valid IPv4 address"],
    ["IPv4", "::ffff:127.0.0.1", "must be a valid IPv4 address"],
    ["IPv6", "::1", LOOPBACK],
    ["IPv6", "0:0:0:0:0:0:0:1", LOOPBACK],
    ["IPv6", "fe80::1", LINK_LOCAL],
    ["IPv6", "ff02::1", LINK_MULTICAST],
    ["IPv6", "ff0e::1", MULTICAST],
    ["IPv6", "::", "may not be unspecified (::)"],
    ["IPv6", "::ffff:127.0.0.1", "must be a valid IPv6 address"],
    ["IPv6", "fe80::1%eth0", "must be a valid IPv6 address"],
    ["IPv6", "10.0.0.1", "must be a valid IPv6 address"],
  ];
  for (const [addressType, address, why] of cases) {
    await assert.rejects(create(objects, address, { addressType }), {
      message: `EndpointSlice.discovery.k8s.io "web" is invalid: endpoints[0].addresses[0]: ` +
        `Invalid value: "${address}": ${why}`,
    }, address);
  }
  for (
    const [addressType, address] of [["IPv4", "10.0.0.1"], ["IPv6", "fd00::1"], ["FQDN", "a.com"]]
  ) {
    await create(objects, address!, { addressType }, { dryRun: true });
  }
});

Deno.test("what our own controllers have named stays as it is: a client neither redirects nor takes it", async () => {
  const { objects } = await freshObjects();
  await create(objects, "127.42.0.7", { addressType: "IPv4" }, OWN);
  const change = (more: { metadata?: object }, options: WriteOptions = {}) =>
    objects.change(endpointSlices, NAME, (slice) => ({
      ...slice,
      ...more,
      metadata: { ...slice.metadata, ...more.metadata },
    }), options);
  await change({ metadata: { annotations: { note: "mine" } } });
  const changes: object[] = [
    { ports: [{ name: "", protocol: "TCP", port: 6443 }] },
    { endpoints: [{ addresses: ["127.42.0.8"], conditions: {} }] },
    { metadata: { labels: { "kubernetes.io/service-name": "other" } } },
    { addressType: "IPv6" },
  ];
  for (const more of changes) {
    await assert.rejects(change(more), /may not be in the loopback range|must be a valid IPv6/);
    await change(more, { ...OWN, dryRun: true });
  }
});

Deno.test("a label or an owner makes nobody a controller of ours", async () => {
  const { objects } = await freshObjects();
  const metadata = {
    labels: { "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io" },
    ownerReferences: [
      { apiVersion: "v1", kind: "Service", name: "web", uid: "u", controller: true },
    ],
  };
  const user = { user: "system:coracle", fieldManager: "system:coracle" };
  const created = create(objects, "127.0.0.1", { addressType: "IPv4", metadata }, user);
  await assert.rejects(created, /may not be in the loopback range/);
});

async function create(
  objects: Objects,
  address: string,
  { metadata = {}, ...more }: { addressType?: string | undefined; metadata?: object },
  options: WriteOptions = {},
): Promise<EndpointSlice> {
  const draft = {
    metadata: { ...NAME, ...metadata },
    endpoints: [{ addresses: [address] }],
    ports: [{ port: 80 }],
    ...more,
  };
  return (await objects.create(endpointSlices, draft, options)).object as EndpointSlice;
}
