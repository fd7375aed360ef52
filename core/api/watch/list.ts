import { openStream, sendBytes, writeParts } from "../http/answer.ts";
import type { ApiContext } from "../http/api_context.ts";
import type { Format } from "../http/accept.ts";
import { listKindOf } from "../../resources/resource.ts";
import type { Entry } from "../../store/store.ts";
import type { Page } from "./list_page.ts";
import type { ServedKind } from "../discovery/served_kinds.ts";
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

/** Answers a list: joins the cached bytes of objects, written in pieces at the pace of the peer. */
export function sendList(
  c: ApiContext,
  kind: ServedKind,
  page: Page,
  { format, include, nowMs }: { format: Format; include: IncludeObject; nowMs: number },
): Response {
  const metadata = {
    resourceVersion: String(page.revision),
    ...(page.continueToken
      ? { continue: page.continueToken }
      : kind.resource.definedBy
      ? { continue: "" } // as Kubernetes' lists of custom resources have it
      : {}),
    ...(page.remaining ? { remainingItemCount: page.remaining } : {}),
  };
  if (format.as === "object") return sendObjects(c, kind, page.entries, metadata);
  if (format.as === "metadata") {
    const head = openList("PartialObjectMetadataList", `meta.k8s.io/${format.version}`, metadata);
    const items = page.entries.map(({ object }) =>
      encoder.encode(JSON.stringify(metadataOf(object, format.version)))
    );
    return send(c, joined(head, items));
  }
  const options = { version: format.version, include };
  const rows = lazyRows(page.entries, (entry) => rowParts(kind, entry, options, nowMs));
  return stream(c, wrapped(tableHead(kind, format.version, metadata), rows, TABLE_END));
}

function sendObjects(
  c: ApiContext,
  kind: ServedKind,
  entries: readonly Entry[],
  metadata: unknown,
): Response {
  const head = openList(listKindOf(kind.resource), kind.apiVersion, metadata);
  return send(c, joined(head, entries.map((entry) => kind.bytesOf(entry))));
}

function openList(kind: string, apiVersion: string, metadata: unknown): Uint8Array {
  return encoder.encode(`${JSON.stringify({ kind, apiVersion, metadata }).slice(0, -1)},"items":[`);
}

/** Sends parts of known length; small answers in one write. */
function send(c: ApiContext, parts: readonly Uint8Array[]): Response {
  const contentLength = parts.reduce((length, part) => length + part.length, 0);
  if (contentLength <= WHOLE_BYTES_MAX) return sendBytes(c, 200, "application/json", concat(parts));
  return stream(c, parts, contentLength);
}

function stream(c: ApiContext, parts: Iterable<Uint8Array>, contentLength?: number): Response {
  const options = contentLength === undefined ? {} : { contentLength };
  const { stream, response } = openStream(c, "application/json", options);
  writeParts(stream, parts).then(() => stream.end(), () => stream.destroy());
  return response;
}

/** The parts of a list, with commas between the items. */
function joined(head: Uint8Array, items: readonly Uint8Array[]): Uint8Array[] {
  const parts = [head];
  for (const item of items) {
    if (parts.length > 1) parts.push(COMMA);
    parts.push(item);
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
