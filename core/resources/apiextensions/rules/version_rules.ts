import { isEqual } from "../../../lib/equality.ts";
import { type Cause, duplicate, invalid, missing, tooMany } from "../../../schema/causes.ts";
import { dns1035LabelFaults } from "../../../schema/names.ts";
import type { Schema } from "../../../schema/schema.ts";
import type { ColumnDefinition, VersionDefinition } from "../definition/definition.ts";
import { fieldAt } from "./field_paths.ts";
import { schemaCauses } from "./schema_rules.ts";

/** What all versions may say in common, and what is wrong with it. */
interface Part {
  field: string;
  of(version: VersionDefinition): unknown;
  causes(version: VersionDefinition, field: string): Cause[];
}

/**
 * What is wrong with the versions. What they all say alike is named once, as in the form of definitions that had no
 * versions: Kubernetes validates that. A schema that has not changed since `previous` is not looked at again.
 */
export function versionsCauses(
  versions: readonly VersionDefinition[],
  previous: readonly VersionDefinition[],
): { perVersion: Cause[]; common: Cause[] } {
  const isKnown = ({ name, schema, subresources }: VersionDefinition) =>
    previous.some((old) =>
      old.name === name && isEqual(old.schema, schema) && isEqual(old.subresources, subresources)
    );
  const parts: Part[] = [
    { ...SCHEMA, causes: (each, field) => isKnown(each) ? [] : SCHEMA.causes(each, field) },
    ...OTHERS,
  ];
  const [first] = versions;
  const isCommon = (part: Part) =>
    versions.every((version) => isEqual(part.of(version), part.of(first!)));
  const lost = selectableLost(versions, {
    schema: isCommon(parts[0]!),
    fields: isCommon(SELECTABLE),
  });
  return {
    perVersion: versions.flatMap((version, i) => [
      ...versionCauses(version, `spec.versions[${i}]`),
      ...parts.filter((part) => !isCommon(part)).flatMap((part) =>
        part.causes(version, `spec.versions[${i}].${part === parts[0] ? "schema" : part.field}`)
      ),
    ]),
    common: [
      ...(first
        ? parts.filter(isCommon).flatMap((part) => part.causes(first, `spec.${part.field}`))
        : []),
      ...lost,
    ],
  };
}

/** Kubernetes looks for the schema of selectable fields only where the fields are: in each version, or for all. */
function selectableLost(
  versions: readonly VersionDefinition[],
  isCommon: { schema: boolean; fields: boolean },
): Cause[] {
  const selecting = versions.flatMap((version, i) => version.selectableFields?.length ? [i] : []);
  if (selecting.length === 0 || isCommon.schema === isCommon.fields) return [];
  if (isCommon.fields) {
    const detail = "may only be set when validations.schema is included";
    return [invalid("spec.selectableFields", "", detail)];
  }
  const detail = "may only be set when `version.schema.openAPIV3Schema` is not included"; // sic
  return selecting.map((i) => invalid(`spec.versions[${i}].selectableFields`, "", detail));
}

const SCHEMA: Part = {
  field: "validation",
  of: ({ schema }) => schema,
  causes: ({ schema, subresources }, field) =>
    schema?.openAPIV3Schema
      ? schemaCauses(schema.openAPIV3Schema, `${field}.openAPIV3Schema`, {
        hasStatus: subresources?.status !== undefined,
      })
      : [],
};

const SELECTABLE: Part = {
  field: "selectableFields",
  of: ({ selectableFields }) => selectableFields,
  causes: selectableCauses,
};

const OTHERS: readonly Part[] = [
  { field: "subresources", of: ({ subresources }) => subresources, causes: subresourceCauses },
  {
    field: "additionalPrinterColumns",
    of: (version) => version.additionalPrinterColumns,
    causes: ({ additionalPrinterColumns: columns = [] }, field) =>
      columns.flatMap((column, i) => columnCauses(column, `${field}[${i}]`)),
  },
  SELECTABLE,
];

function versionCauses({ name, ...version }: VersionDefinition, field: string): Cause[] {
  const faults = dns1035LabelFaults(name);
  return [
    ...(faults.length > 0 ? [invalid(`${field}.name`, name, faults.join(","))] : []),
    ...deprecationFaults(version).map((fault) =>
      invalid(`${field}.deprecationWarning`, version.deprecationWarning, fault)
    ),
  ];
}

function deprecationFaults(
  { deprecated, deprecationWarning }: Pick<VersionDefinition, "deprecated" | "deprecationWarning">,
): string[] {
  if (deprecationWarning === undefined) return [];
  if (!deprecated) return ["can only be set for deprecated versions"];
  const at = deprecationWarning.search(/[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/u);
  return [
    ...(deprecationWarning.length > 256 ? ["must be <= 256 characters long"] : []),
    ...(deprecationWarning === "" ? ["must not be an empty string"] : []),
    ...(at < 0 ? [] : [
      `must only contain printable UTF-8 characters; non-printable character found at index ${at}`,
    ]),
  ];
}

function subresourceCauses({ subresources }: VersionDefinition, field: string): Cause[] {
  const scale = subresources?.scale;
  if (!scale) return [];
  const { specReplicasPath, statusReplicasPath, labelSelectorPath = "" } = scale;
  const at = `${field}.scale`;
  return [
    ...pathCauses(`${at}.specReplicasPath`, specReplicasPath, [".spec."], "under .spec"),
    ...pathCauses(`${at}.statusReplicasPath`, statusReplicasPath, [".status."], "under .status"),
    ...(labelSelectorPath === "" ? [] : pathCauses(
      `${at}.labelSelectorPath`,
      labelSelectorPath,
      [".spec.", ".status."],
      "under either .spec or .status",
    )),
  ];
}

function pathCauses(
  field: string,
  path: string,
  roots: readonly string[],
  where: string,
): Cause[] {
  if (path === "") return [missing(field)];
  if (!path.startsWith(".")) {
    return [invalid(field, path, "must be a simple json path starting with .")];
  }
  if (roots.some((root) => path.startsWith(root))) return [];
  return [invalid(field, path, `should be a json path ${where}`)];
}

const COLUMN_TYPES = ["boolean", "date", "integer", "number", "string"];
const COLUMN_FORMATS = [
  "byte",
  "date",
  "date-time",
  "double",
  "float",
  "int32",
  "int64",
  "password",
];

function columnCauses({ name, type, format, jsonPath }: ColumnDefinition, field: string): Cause[] {
  const types = `must be one of ${COLUMN_TYPES.join(",")}`;
  return [
    ...(name ? [] : [missing(`${field}.name`)]),
    ...(type === ""
      ? [missing(`${field}.type`, types)]
      : COLUMN_TYPES.includes(type)
      ? []
      : [invalid(`${field}.type`, type, types)]),
    ...(format === undefined || COLUMN_FORMATS.includes(format)
      ? []
      : [invalid(`${field}.format`, format, `must be one of ${COLUMN_FORMATS.join(",")}`)]),
    ...(jsonPath === ""
      ? [missing(`${field}.JSONPath`)]
      : jsonPath.startsWith(".")
      ? []
      : [invalid(`${field}.JSONPath`, jsonPath, "must be a simple json path starting with .")]),
  ];
}

const SELECTABLE_FIELDS_MAX = 8;

function selectableCauses(
  { selectableFields = [], schema }: VersionDefinition,
  field: string,
): Cause[] {
  const root = schema?.openAPIV3Schema;
  if (selectableFields.length === 0 || !root) return [];
  const seen = new Set<string>();
  const causes = selectableFields.flatMap(({ jsonPath }, i) =>
    selectableCausesOf(jsonPath, `${field}[${i}].jsonPath`, root, seen)
  );
  return seen.size > SELECTABLE_FIELDS_MAX
    ? [...causes, tooMany(field, seen.size, SELECTABLE_FIELDS_MAX)]
    : causes;
}

function selectableCausesOf(path: string, field: string, root: Schema, seen: Set<string>): Cause[] {
  if (path === "") return [missing(field)];
  const found = fieldAt(root, path, { arrays: false });
  if ("fault" in found) return [invalid(field, path, `is an invalid path: ${found.fault}`)];
  const isNew = !seen.has(path);
  seen.add(path);
  const { type = "" } = found.schema;
  return [
    ...(["string", "boolean", "integer"].includes(type) ? [] : [invalid(
      field,
      path,
      "must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.",
    )]),
    ...(isNew ? [] : [duplicate(field, path)]),
  ];
}
