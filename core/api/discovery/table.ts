import type { Column, KubeObject } from "../../resources/resource.ts";
import { ApiError } from "../../client/api_error.ts";
import { humanDuration } from "../../schema/durations.ts";
import type { ServedKind, Stored } from "./served_kinds.ts";
import type { TableVersion } from "../http/accept.ts";

/** What a row carries besides its cells. */
export const INCLUDE_OBJECT = ["None", "Metadata", "Object"] as const;
export type IncludeObject = typeof INCLUDE_OBJECT[number];

export interface TableOptions {
  version: TableVersion;
  include: IncludeObject;
}

const encoder = new TextEncoder();
const CLOSE_BRACE = encoder.encode("}");

/** Shown for kinds that declare no columns, as Kubernetes' default table convertor does. */
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
 * The head of a Table, open for its rows: end it with `]}`.
 * Source: https://kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-tables
 */
export function tableHead(kind: ServedKind, version: TableVersion, metadata: unknown): Uint8Array {
  const head = { kind: "Table", apiVersion: `meta.k8s.io/${version}`, metadata };
  const columns = JSON.stringify(columnDefinitions(kind));
  const open = JSON.stringify(head).slice(0, -1);
  return encoder.encode(`${open},"columnDefinitions":${columns},"rows":[`);
}

/** A Table of one event, without its columns: only the first of a watch carries them. */
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
  if (include === "None") return [encoder.encode(`{"cells":${cells}}`)];
  if (include === "Metadata") {
    const object = JSON.stringify(metadataOf(stored.object, version));
    return [encoder.encode(`{"cells":${cells},"object":${object}}`)];
  }
  return [encoder.encode(`{"cells":${cells},"object":`), kind.bytesOf(stored), CLOSE_BRACE];
}

/** An object of which only the metadata is told. */
export function metadataOf(object: KubeObject, version: TableVersion): unknown {
  return {
    kind: "PartialObjectMetadata",
    apiVersion: `meta.k8s.io/${version}`,
    metadata: object.metadata,
  };
}

function columnDefinitions(kind: ServedKind): unknown[] {
  return columnsOf(kind).map(({ name, description = "", type = "string", priority = 0 }) => ({
    name,
    type,
    format: name === "Name" ? "name" : "",
    description,
    priority,
  }));
}

/** Cells in the order of the columns. What is not there is empty; an age that is not there is `<unknown>`. */
function cellsOf(kind: ServedKind, object: KubeObject, nowMs: number): unknown[] {
  return columnsOf(kind).map((column) => {
    const value = column.value(object, nowMs);
    if (column.type !== "date") return value ?? "";
    const timeMs = Date.parse(String(value));
    return Number.isNaN(timeMs) ? "<unknown>" : humanDuration(nowMs - timeMs);
  });
}

function columnsOf({ resource }: ServedKind): readonly Column<KubeObject>[] {
  return resource.columns.length ? resource.columns : DEFAULT_COLUMNS;
}
