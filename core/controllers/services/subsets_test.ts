import assert from "node:assert/strict";
import { portAddressesOf, subsetsOf } from "./subsets.ts";

const repacked = (subsets: Parameters<typeof portAddressesOf>[0]) =>
  subsetsOf(portAddressesOf(subsets));
const http = { name: "http", port: 80, protocol: "TCP" } as const;
const metrics = { name: "m", port: 81, protocol: "TCP", appProtocol: "http" } as const;
const one = { ip: "10.0.0.1" };
const two = { ip: "10.0.0.2" };

Deno.test("ports with the same addresses make one subset, in the order that Kubernetes gives them", () => {
  assert.deepEqual(
    repacked([
      { addresses: [two], ports: [http] },
      { addresses: [two, one], ports: [metrics] },
      { addresses: [one], ports: [http] },
    ]),
    [{ addresses: [one, two], ports: [http, metrics] }],
  );
});

Deno.test("ports with other addresses, or the same in another state, are a subset of their own", () => {
  const subsets = repacked([
    { addresses: [one], ports: [http, metrics] },
    { notReadyAddresses: [one], ports: [metrics] },
    { addresses: [two] },
  ]);
  assert.deepEqual(subsets, [
    { notReadyAddresses: [one], ports: [metrics] },
    { addresses: [one], ports: [http] },
    { addresses: [two] },
  ]);
  assert.deepEqual(repacked(subsets), subsets);
});
