import { isTime } from "../../../schema/formats.ts";
import { humanDuration } from "../../../schema/durations.ts";
import type { Column, KubeObject } from "../../resource.ts";
import type { ColumnDefinition } from "../definition/definition.ts";
import { firstAt, parseJsonPath } from "../../../lib/json/json_path.ts";

type Show = (object: KubeObject) => unknown;

const NAME: Column<KubeObject> = {
  name: "Name",
  type: "string",
  format: "name",
  description: "Name, unique among the objects of its kind and namespace.",
  value: ({ metadata }) => metadata.name,
  isCell: true,
};

const AGE: ColumnDefinition = {
  name: "Age",
  type: "date",
  description: "Time since it was created.",
  jsonPath: ".metadata.creationTimestamp",
};

/**
 * The columns of a custom resource: its name, and those of its definition, or its age. `show` gives the object in the
 * version whose columns they are.
 */
export function customColumns(
  definitions: readonly ColumnDefinition[] | undefined,
  show: Show,
): readonly Column<KubeObject>[] {
  const own = definitions?.length ? definitions : [AGE];
  return [NAME, ...own.map((definition) => columnOf(definition, show))];
}

function columnOf(definition: ColumnDefinition, show: Show): Column<KubeObject> {
  const { name, type, format = "", description, priority = 0, jsonPath } = definition;
  const path = parseJsonPath(jsonPath);
  return {
    name,
    type: type as NonNullable<Column<KubeObject>["type"]>, // a rule of the definition
    format,
    description: description ??
      `Custom resource definition column (in JSONPath format): ${jsonPath}`,
    priority,
    value: (object, nowMs) => path && cellOf(type, firstAt(show(object), path), nowMs),
    isCell: true,
  };
}

/** A value that is not of the column's type is not shown. */
function cellOf(type: string, value: unknown, nowMs: number): Cell {
  if (value === undefined || value === null) return undefined;
  switch (type) {
    case "integer":
      return typeof value === "number" ? Math.trunc(value) : undefined;
    case "number":
      return typeof value === "number" ? value : undefined;
    case "boolean":
      return typeof value === "boolean" ? value : undefined;
    case "date":
      return typeof value === "string" ? ageText(value, nowMs) : undefined;
    default:
      return typeof value === "object" ? JSON.stringify(value) : String(value);
  }
}
type Cell = string | number | boolean | undefined;

function ageText(time: string, nowMs: number): string {
  return isTime(time) ? humanDuration(nowMs - Date.parse(time)) : "<invalid>";
}
