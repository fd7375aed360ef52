import assert from "node:assert/strict";
import type { Service } from "../../../core/resources/core/services/services.ts";
import type { EndpointSlice } from "../../../core/resources/discovery/endpoint_slices.ts";
import { serviceNamesOf } from "./service_names.ts";

const metadata = { namespace: "default", name: "db" };
const serviceWith = (spec: object) => ({ metadata, spec }) as Service;
const ready = { addresses: ["10.42.0.5"], conditions: { ready: true }, hostname: "db-0" };
const starting = { addresses: ["10.42.0.6"], conditions: { ready: false } };
const slice = {
  ports: [{ name: "pg", protocol: "TCP", port: 5432 }, { name: "", protocol: "TCP", port: 1 }],
  endpoints: [ready, starting, { addresses: ["10.42.0.7"], conditions: {} }],
} as EndpointSlice;
const pg = [{ name: "pg", protocol: "tcp", port: 5432 }];
const base = { ...metadata, clusterIPs: [], ports: [], endpoints: [] };

for (
  const [what, spec, names] of [
    ["its addresses and named ports", {
      clusterIP: "10.96.0.7",
      clusterIPs: ["10.96.0.7", "fd00::7"],
      ports: [{ name: "pg", protocol: "TCP", port: 5432 }, { protocol: "UDP", port: 9 }],
    }, { clusterIPs: ["10.96.0.7", "fd00::7"], ports: pg }],
    ["its ready endpoints when it is headless", { clusterIP: "None" }, {
      endpoints: [
        { ip: "10.42.0.5", hostname: "db-0", ports: pg },
        { ip: "10.42.0.7", ports: pg },
      ],
    }],
    ["all of them when it asks for it", { clusterIP: "None", publishNotReadyAddresses: true }, {
      endpoints: [
        { ip: "10.42.0.5", hostname: "db-0", ports: pg },
        { ip: "10.42.0.6", ports: pg },
        { ip: "10.42.0.7", ports: pg },
      ],
    }],
    ["the name elsewhere", { type: "ExternalName", externalName: "a.example" }, {
      externalName: "a.example",
    }],
  ] as const
) {
  Deno.test(`a Service is known by ${what}`, () => {
    assert.deepEqual(serviceNamesOf(serviceWith(spec), [slice]), { ...base, ...names });
  });
}

Deno.test("what is no address is left out", () => {
  const hostile = { ...slice, endpoints: [{ addresses: ["0x7f.1"], conditions: {} }] };
  const { endpoints } = serviceNamesOf(serviceWith({ clusterIP: "None" }), [
    hostile as EndpointSlice,
  ]);
  assert.deepEqual(endpoints, []);
});
