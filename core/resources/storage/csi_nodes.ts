import { isEqual } from "../../lib/equality.ts";
import { type Cause, duplicate, invalid, missing } from "../../schema/causes.ts";
import { qualifiedNameFaults } from "../../schema/names.ts";
import {
  allowingDuplicates,
  fallback,
  integer,
  kept,
  list,
  mergeList,
  object,
  present,
  required,
  string,
  type TypeOf,
} from "../../schema/schema.ts";
import { nonNegativeCauses } from "../../schema/value_rules.ts";
import { ageColumn, nameColumn } from "../columns.ts";
import { defineResource, type ObjectOf } from "../resource.ts";
import { storedOnlyWarnings } from "../unimplemented_fields.ts";
import { driverNameCauses } from "./provisioning.ts";

const NODE_ID_CHARS_MAX = 256;

const csiNodeDriver = object("A driver that is installed on the node.", {
  name: required(string("Name of the driver.")),
  nodeID: required(string("Name of the node in the words of the driver.")),
  topologyKeys: kept(list("Labels of the node that say where its volumes can be.", string("Key."))),
  allocatable: object("How much of the driver the node can have.", {
    count: integer("How many volumes can be used at once."),
  }),
});
type Driver = TypeOf<typeof csiNodeDriver>;

/** https://kubernetes.io/docs/reference/kubernetes-api/config-and-storage-resources/csi-node-v1/ */
export const csiNodes = defineResource({
  group: "storage.k8s.io",
  version: "v1",
  kind: "CSINode",
  plural: "csinodes",
  namespaced: false,
  needsVersion: true,
  generation: "none",
  schema: object("The drivers of volumes that a node has.", {
    spec: present(object("What the node has.", {
      drivers: fallback(
        [],
        allowingDuplicates(kept(mergeList("The drivers.", ["name"], csiNodeDriver))),
      ),
    })),
  }),
  columns: [
    nameColumn,
    {
      name: "Drivers",
      description: "How many drivers the node has.",
      type: "integer",
      value: ({ spec }) => spec.drivers.length,
    },
    ageColumn,
  ],
  validate: (next, previous) => {
    const { drivers } = next.spec;
    const causes = driversCauses(drivers);
    return previous ? [...causes, ...changeCauses(drivers, previous.spec.drivers)] : causes;
  },
  warnings: (_, previous) => storedOnlyWarnings("CSINode", previous, "no volume is placed by it"),
});

export type CsiNode = ObjectOf<typeof csiNodes>;

function driversCauses(drivers: readonly Driver[]): Cause[] {
  const names = new Set<string>();
  return drivers.flatMap(({ name, nodeID = "", topologyKeys = [], allocatable }, i) => {
    const at = `spec.drivers[${i}]`;
    const causes = driverNameCauses(`${at}.name`, name);
    if (nodeID.length > NODE_ID_CHARS_MAX) {
      const rule = `must be ${NODE_ID_CHARS_MAX} characters or less`;
      causes.push(invalid(`${at}.nodeID`, nodeID, rule));
    }
    causes.push(...nonNegativeCauses(`${at}.allocatable.count`, allocatable?.count));
    if (names.has(name)) causes.push(duplicate(`${at}.name`, name));
    names.add(name);
    return [...causes, ...topologyKeyCauses(at, topologyKeys)];
  });
}

/** Kubernetes names the driver, not the key. */
function topologyKeyCauses(field: string, keys: readonly string[]): Cause[] {
  const seen = new Set<string>();
  return keys.flatMap((key) => {
    const isTwice = seen.has(key);
    seen.add(key);
    return [
      ...(key === "" ? [missing(field)] : []),
      ...(isTwice ? [duplicate(field, key)] : []),
      ...qualifiedNameFaults(key).map((fault) => invalid(field, key, fault)),
    ];
  });
}

function changeCauses(next: readonly Driver[], previous: readonly Driver[]): Cause[] {
  return previous.flatMap((before) =>
    next.filter((driver) => driver.name === before.name && !isEqual(driver, before))
      .map((driver) => invalid("spec.drivers", driver, "field is immutable"))
  );
}
