import { type JsonObject, ownJson } from "../../lib/json/json_value.ts";
import { yamlItem, yamlText } from "../../manifest/yaml_text.ts";
import { openStream, sendBytes } from "../http/answer.ts";
import { writeParts, writeUnchanging } from "../http/parts_writer.ts";
import type { ApiContext } from "../http/api_context.ts";
import { type Format, refuseOtherShape, YAML_TYPE } from "../http/accept.ts";
import { listKindOf } from "../../resources/resource.ts";
import type { Entry } from "../../store/store.ts";
import type { KeptLists } from "./kept_lists.ts";
import type { Page } from "./list_page.ts";
import { goTypeOf, type ServedKind } from "../discovery/served_kinds.ts";
import {
  type IncludeObject,
  metadataOf,
  rowParts,
  TABLE_END,
  tableHead,
} from "../discovery/table.ts";
import { concat } from "../../lib/bytes.ts";

const encoder = new TextEncoder();
const COMMA = encoder.encode(",");
const LIST_END = encoder.encode("]}\n");
/** Answers up to this size are sent in one write. */
const WHOLE_BYTES_MAX = 256 * 1024;

export interface SendListOptions {
  format: Format;
  include: IncludeObject;
  nowMs: number;
  kept: KeptLists;
}

/** Answers a list: joins the cached bytes of objects, written in pieces at the pace of the peer. */
export function sendList(
  c: ApiContext,
  kind: ServedKind,
  page: Page,
  { format, include, nowMs, kept }: SendListOptions,
): Response {
  const metadata = {
    resourceVersion: String(page.revision),
    ...(page.continueToken
      ? { continue: page.continueToken }
      : kind.resource.reading
      ? { continue: "" } // as Kubernetes' lists of custom resources have it
      : {}),
    ...(page.remaining ? { remainingItemCount: page.remaining } : {}),
  };
  if (format.as === "object") {
    return sendObjects(c, kind, page.entries, { metadata, yaml: format.yaml, kept });
  }
  if (format.as === "metadata") {
    refuseOtherShape(format, { isList: true, goType: goTypeOf(kind, listKindOf(kind.resource)) });
    const head = openList("PartialObjectMetadataList", `meta.k8s.io/${format.version}`, metadata);
    const itemOf = ({ object }: Entry) =>
      encoder.encode(JSON.stringify(metadataOf(object, format.version)));
    if (format.yaml) return sendYaml(c, head, "items", lazily(page.entries, itemOf));
    return send(c, [head, ...withCommas(page.entries, itemOf)]);
  }
  const options = { version: format.version, include };
  const head = tableHead(kind, format.version, metadata);
  const rowOf = (entry: Entry) => rowParts(kind, entry, options, nowMs);
  if (format.yaml) {
    return sendYaml(c, head, "rows", lazily(page.entries, (entry) => concat(rowOf(entry))));
  }
  return stream(c, wrapped(head, lazyRows(page.entries, rowOf), TABLE_END));
}

function sendObjects(
  c: ApiContext,
  kind: ServedKind,
  entries: readonly Entry[],
  { metadata, yaml, kept }: { metadata: unknown; yaml: true | undefined; kept: KeptLists },
): Response {
  const head = openList(listKindOf(kind.resource), kind.apiVersion, metadata);
  if (yaml) return sendYaml(c, head, "items", lazily(entries, (entry) => kind.bytesOf(entry)));
  const found = kept.find(kind, entries);
  if (found) return sendKept(c, head, found);
  const items = withCommas(entries, (entry) => kind.bytesOf(entry));
  if (lengthOf(items) <= WHOLE_BYTES_MAX) return send(c, [head, ...items]);
  const keptNow = kept.keep(kind, entries, items);
  return keptNow ? sendKept(c, head, keptNow) : send(c, [head, ...items]);
}

function openList(kind: string, apiVersion: string, metadata: unknown): Uint8Array {
  return encoder.encode(`${JSON.stringify({ kind, apiVersion, metadata }).slice(0, -1)},"items":[`);
}

/** Sends parts of known length; small answers in one write. */
function send(c: ApiContext, parts: readonly Uint8Array[]): Response {
  const contentLength = lengthOf(parts);
  if (contentLength <= WHOLE_BYTES_MAX) return sendBytes(c, 200, "application/json", concat(parts));
  return stream(c, parts, contentLength);
}

/** Sends a list whose items lie in one piece, which others may be sent at the same time. */
function sendKept(c: ApiContext, head: Uint8Array, items: Uint8Array): Response {
  const contentLength = head.length + items.length;
  const { stream, response } = openStream(c, "application/json", { contentLength });
  writeUnchanging(stream, head)
    .then(() => writeUnchanging(stream, items))
    .then(() => stream.end(), () => stream.destroy());
  return response;
}

function lengthOf(parts: readonly Uint8Array[]): number {
  return parts.reduce((length, part) => length + part.length, 0);
}

/** The same as YAML, written one item after another: however long the list, little of it is in memory. */
function sendYaml(
  c: ApiContext,
  head: Uint8Array,
  field: "items" | "rows",
  items: Iterable<Uint8Array>,
): Response {
  const { stream, response } = openStream(c, YAML_TYPE);
  writeParts(stream, yamlParts(head, field, items)).then(
    () => stream.end(),
    () => stream.destroy(),
  );
  return response;
}

function* yamlParts(
  head: Uint8Array,
  field: "items" | "rows",
  items: Iterable<Uint8Array>,
): Iterable<Uint8Array> {
  const { [field]: _, ...fields } = ownJson(concat([head, TABLE_END])) as JsonObject;
  yield encoder.encode(yamlText(fields));
  let isFirst = true;
  for (const item of items) {
    if (isFirst) yield encoder.encode(`${field}:\n`);
    isFirst = false;
    yield encoder.encode(yamlItem(ownJson(item)));
  }
  if (isFirst) yield encoder.encode(`${field}: []\n`);
}

function* lazily<T, R>(values: Iterable<T>, of: (value: T) => R): Iterable<R> {
  for (const value of values) yield of(value);
}

function stream(c: ApiContext, parts: Iterable<Uint8Array>, contentLength?: number): Response {
  const options = contentLength === undefined ? {} : { contentLength };
  const { stream, response } = openStream(c, "application/json", options);
  writeParts(stream, parts).then(() => stream.end(), () => stream.destroy());
  return response;
}

/** What follows the head of a list: the items, with commas between them, and the end. */
function withCommas(
  entries: readonly Entry[],
  itemOf: (entry: Entry) => Uint8Array,
): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (const entry of entries) {
    if (parts.length > 0) parts.push(COMMA);
    parts.push(itemOf(entry));
  }
  parts.push(LIST_END);
  return parts;
}

function* lazyRows(
  entries: readonly Entry[],
  rowOf: (entry: Entry) => Uint8Array[],
): Iterable<Uint8Array> {
  let isFirst = true;
  for (const entry of entries) {
    if (!isFirst) yield COMMA;
    isFirst = false;
    yield* rowOf(entry);
  }
}

function* wrapped(head: Uint8Array, rows: Iterable<Uint8Array>, end: Uint8Array) {
  yield head;
  yield* rows;
  yield end;
}
