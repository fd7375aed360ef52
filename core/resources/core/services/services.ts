import { isEqual } from "../../../lib/equality.ts";
import { dns1035LabelFaults } from "../../../schema/names.ts";
import { connection } from "../../connections.ts";
import { defineResource, type ObjectOf } from "../../resource.ts";
import { object, present } from "../../../schema/schema.ts";
import { withServiceAddresses } from "./service_addresses.ts";
import { serviceColumns } from "./service_columns.ts";
import { serviceCauses, serviceUpdateCauses, withServiceDefaults } from "./service_rules.ts";
import { serviceWarnings } from "./service_warnings.ts";
import { serviceSpec, serviceStatus } from "./service_spec.ts";

export type { ServicePort, ServiceSpec } from "./service_spec.ts";

/** Marks the endpoints of a Service that has no address of its own; a Service that has it is not served. */
export const HEADLESS = "service.kubernetes.io/headless";
/** Names another proxy, which serves the Service in place of ours. */
export const SERVICE_PROXY_NAME = "service.kubernetes.io/service-proxy-name";

/** https://kubernetes.io/docs/concepts/services-networking/service/ */
export const services = defineResource({
  group: "",
  version: "v1",
  kind: "Service",
  plural: "services",
  nameFaults: dns1035LabelFaults, // they become host names
  shortNames: ["svc"],
  categories: ["all"],
  namespaced: true,
  schema: object("One address for a changing set of pods.", {
    spec: present(serviceSpec),
    status: present(serviceStatus),
  }),
  subresources: [connection("proxy", "ServiceProxyOptions")],
  generation: "none",
  columns: serviceColumns,
  prepare: (next, previous) => ({
    ...next,
    spec: withServiceDefaults(next.spec, previous?.spec),
  }),
  admit: withServiceAddresses,
  validate: (next, previous) => [
    ...serviceCauses(next.spec),
    ...(previous ? serviceUpdateCauses(next.spec, previous.spec) : []),
  ],
  warnings: (next, previous) =>
    previous && isEqual(next.spec, previous.spec) ? [] : serviceWarnings(next.spec),
  fields: {
    "spec.clusterIP": (service) => service.spec.clusterIP ?? "",
    "spec.type": (service) => service.spec.type,
  },
});

export type Service = ObjectOf<typeof services>;
