import { heldBy } from "../../schema/finalizers.ts";
import { mapOf, object, required, string } from "../../schema/schema.ts";
import { ageColumn, nameColumn } from "../columns.ts";
import { defineResource, type ObjectOf } from "../resource.ts";
import { storedOnlyWarnings } from "../unimplemented_fields.ts";
import { fixedCauses, parameterCauses, provisionerCauses } from "./provisioning.ts";

/** Holds a class that claims or volumes have. */
export const ATTRIBUTES_CLASS_PROTECTION = "kubernetes.io/vac-protection";

/** https://kubernetes.io/docs/concepts/storage/volume-attributes-classes/ */
export const volumeAttributesClasses = defineResource({
  group: "storage.k8s.io",
  version: "v1",
  kind: "VolumeAttributesClass",
  plural: "volumeattributesclasses",
  shortNames: ["vac"],
  namespaced: false,
  schema: object("Settings of volumes that can be changed later.", {
    driverName: required(string("CSI driver that knows the settings.")),
    parameters: mapOf("Settings for the driver.", string("Value.")),
  }),
  columns: [
    nameColumn,
    {
      name: "DriverName",
      description: "CSI driver that knows the settings.",
      value: ({ driverName }) => driverName,
    },
    ageColumn,
  ],
  admit: (next, previous) =>
    previous ? next : { ...next, metadata: heldBy(next.metadata, ATTRIBUTES_CLASS_PROTECTION) },
  validate: (next, previous) => [
    ...(previous
      ? [
        ...fixedCauses("driverName", next.driverName, previous.driverName),
        ...fixedCauses("parameters", next.parameters, previous.parameters),
      ]
      : []),
    ...provisionerCauses("driverName", next.driverName),
    ...parameterCauses(next.parameters, { isNeeded: true }),
  ],
  warnings: (_, previous) =>
    storedOnlyWarnings("VolumeAttributesClass", previous, "no volume is changed for it"),
});

export type VolumeAttributesClass = ObjectOf<typeof volumeAttributesClasses>;
