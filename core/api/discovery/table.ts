import type { Column, KubeObject } from "../../resources/resource.ts";
import { ApiError } from "../../client/api_error.ts";
import { humanDuration } from "../../schema/durations.ts";
import type { ServedKind, Stored } from "./served_kinds.ts";
import type { TableVersion } from "../http/accept.ts";

/** What a row contains besides its cells. */
export const INCLUDE_OBJECT = ["None", "Metadata", "Object"] as const;
export type IncludeObject = typeof INCLUDE_OBJECT[number];

export interface TableOptions {
  version: TableVersion;
  include: IncludeObject;
}

const encoder = new TextEncoder();
const CLOSE_BRACE = encoder.encode("}");

/** For kinds that declare no columns, as in Kubernetes' default table convertor. */
const DEFAULT_COLUMNS: readonly Column<KubeObject>[] = [
  { name: "Name", value: (object) => object.metadata.name },
  { name: "Created At", type: "date", value: (object) => object.metadata.creationTimestamp },
];

/** Reads `includeObject`. */
export function includeObjectOf(text: string | undefined): IncludeObject {
  const include = text === undefined || text === ""
    ? "Metadata"
    : INCLUDE_OBJECT.find((word) => word === text);
  if (include) return include;
  throw new ApiError("BadRequest", `unrecognized includeObject value: "${text}"`);
}

/**
 * The beginning of a Table, up to its rows: end it with `]}`.
 * Source: https://kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-tables
 */
export function tableHead(kind: ServedKind, version: TableVersion, metadata: unknown): Uint8Array {
  const head = { kind: "Table", apiVersion: `meta.k8s.io/${version}`, metadata };
  const columns = JSON.stringify(columnDefinitions(kind));
  const open = JSON.stringify(head).slice(0, -1);
  return encoder.encode(`${open},"columnDefinitions":${columns},"rows":[`);
}

/** The beginning of a Table for one event, without column definitions: only the first event of a watch has them. */
export function tableHeadOfEvent(version: TableVersion, metadata: unknown): Uint8Array {
  const head = { kind: "Table", apiVersion: `meta.k8s.io/${version}`, metadata };
  return encoder.encode(`${JSON.stringify(head).slice(0, -1)},"columnDefinitions":null,"rows":[`);
}
export const TABLE_END: Uint8Array = encoder.encode("]}");

/** The parts of one row's JSON. */
export function rowParts(
  kind: ServedKind,
  stored: Stored,
  { version, include }: TableOptions,
  nowMs: number,
): Uint8Array[] {
  const cells = JSON.stringify(cellsOf(kind, stored.object, nowMs));
  if (include === "None") return [encoder.encode(`{"cells":${cells},"object":null}`)];
  if (include === "Metadata") {
    const object = JSON.stringify(metadataOf(stored.object, version));
    return [encoder.encode(`{"cells":${cells},"object":${object}}`)];
  }
  return [encoder.encode(`{"cells":${cells},"object":`), kind.bytesOf(stored), CLOSE_BRACE];
}

/** Only the metadata of an object. */
export function metadataOf(object: KubeObject, version: TableVersion): unknown {
  return {
    kind: "PartialObjectMetadata",
    apiVersion: `meta.k8s.io/${version}`,
    metadata: object.metadata,
  };
}

/** What each column is. */
export function columnDefinitions(kind: ServedKind): unknown[] {
  return columnsOf(kind).map((column) => {
    const { name, description = "", type = "string", priority = 0 } = column;
    const format = column.format ?? (name === "Name" ? "name" : "");
    return { name, type, format, description, priority };
  });
}

/** Cells in the order of the columns. A missing value is empty, a missing age is `<unknown>`. */
function cellsOf(kind: ServedKind, object: KubeObject, nowMs: number): unknown[] {
  return columnsOf(kind).map((column) => {
    const value = column.value(object, nowMs);
    if (column.isCell) return value ?? null;
    if (column.type !== "date") return value ?? "";
    const timeMs = Date.parse(String(value));
    return Number.isNaN(timeMs) ? "<unknown>" : humanDuration(nowMs - timeMs);
  });
}

/** The cells of the row of a bookmark, which is about no object: what the columns show of one that has nothing. */
export function emptyCells(kind: ServedKind, nowMs: number): unknown[] {
  return columnsOf(kind).map((column) => {
    if (column.type === "date" || column.name === "Age") return "<unknown>";
    return valueOfNothing(column, nowMs) ?? (column.isCell ? null : "");
  });
}

/** A column may rely on fields that every object has. */
function valueOfNothing(column: Column<KubeObject>, nowMs: number): unknown {
  try {
    return column.value(NOTHING as unknown as KubeObject, nowMs);
  } catch {
    return undefined;
  }
}
const NOTHING = { metadata: {}, spec: {}, status: {} };

function columnsOf({ resource }: ServedKind): readonly Column<KubeObject>[] {
  return resource.columns.length ? resource.columns : DEFAULT_COLUMNS;
}
