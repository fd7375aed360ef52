import { concat } from "../../lib/bytes.ts";
import type { Clock } from "../../lib/clock.ts";
import type { KubeObject } from "../../resources/resource.ts";
import type { Entry, StoreEvent } from "../../store/store.ts";
import { failure } from "../http/status.ts";
import type { Format } from "../http/accept.ts";
import type { ApiError } from "../../client/api_error.ts";
import type { ServedKind } from "../discovery/served_kinds.ts";
import {
  columnDefinitions,
  emptyCells,
  type IncludeObject,
  metadataOf,
  rowParts,
  TABLE_END,
  tableHead,
  tableHeadOfEvent,
} from "../discovery/table.ts";

export type Matches = (object: KubeObject) => boolean;

/** No selector: objects need not be parsed. */
export function matchesAll(): boolean {
  return true;
}

/** What one watcher is sent for a change. */
export interface SelectedEvent {
  type: StoreEvent["type"];
  entry: Entry;
  /**
   * Where lines are cached: all feeds that tell the same of one change share its bytes. Of what is there when a watch
   * begins it is the entry itself, and nothing is cached: it would be kept as long as the object.
   */
  source: object;
}

const encoder = new TextEncoder();

/** Annotation of the bookmark after the initial state: https://kubernetes.io/docs/reference/using-api/api-concepts/#streaming-lists */
const INITIAL_EVENTS_END = { "k8s.io/initial-events-end": "true" };

/**
 * The event for a watcher with a selector: an object that enters the selection is ADDED; one that leaves it is DELETED, in
 * its last state that matched, at the revision of the change.
 */
export function selectedEvent(event: StoreEvent, matches: Matches): SelectedEvent | undefined {
  const { type, entry, previous } = event;
  const was = previous !== undefined && matches(previous.object);
  const is = type !== "DELETED" && matches(entry.object);
  if (is) return { type: was ? "MODIFIED" : "ADDED", entry, source: event };
  if (!was) return undefined;
  return {
    type: "DELETED",
    entry: type === "DELETED" ? entry : atRevision(previous, event.revision),
    source: event,
  };
}

function atRevision(entry: Entry, revision: number): Entry {
  const metadata = { ...entry.object.metadata, resourceVersion: String(revision) };
  const object = { ...entry.object, metadata };
  return { ...entry, object, revision, bytes: encoder.encode(JSON.stringify(object)) };
}

/** Encodes events as lines of JSON, in one version of a kind and one format. */
export class WatchLines {
  /** Unique per kind, version and format. */
  readonly #name: string;

  constructor(
    readonly kind: ServedKind,
    readonly format: Format,
    readonly include: IncludeObject,
    readonly clock: Clock,
  ) {
    this.#name = [kind.apiVersion, Object.values(format), include].join();
  }

  /** The line of an event. `first`: of its watch; only there a Table contains its column definitions. */
  of(event: SelectedEvent, { first, live }: { first: boolean; live: boolean }): Uint8Array {
    // Rows show ages, so they are shared only among watchers that get them at the same time.
    const isShared = this.format.as !== "table" || (live && !first);
    return isShared && event.source !== event.entry
      ? this.#shared(event)
      : this.#line(event, first);
  }

  /** `first`: see {@linkcode of}. */
  bookmark(
    revision: number,
    options: { initialEventsEnd: boolean; first: boolean },
  ): Uint8Array {
    const metadata = {
      resourceVersion: String(revision),
      ...(options.initialEventsEnd ? { annotations: INITIAL_EVENTS_END } : {}),
    };
    return line("BOOKMARK", this.#bookmarkObject(metadata, options));
  }

  /** The last line of a watch that fails: the status stays 200, as in Kubernetes. */
  error(error: ApiError): Uint8Array {
    return line("ERROR", failure(error));
  }

  #bookmarkObject(
    metadata: { resourceVersion: string },
    options: { initialEventsEnd: boolean; first: boolean },
  ): unknown {
    const { format, kind } = this;
    if (format.as === "object") {
      return { kind: kind.resource.kind, apiVersion: kind.apiVersion, metadata };
    }
    const apiVersion = `meta.k8s.io/${format.version}`;
    const partial = { kind: "PartialObjectMetadata", apiVersion, metadata };
    if (format.as === "metadata") return partial;
    // Clients look for the annotation, so the row has it even if they want no objects.
    const isShown = options.initialEventsEnd || this.include !== "None";
    return {
      kind: "Table",
      apiVersion,
      metadata: { resourceVersion: metadata.resourceVersion },
      columnDefinitions: options.first ? columnDefinitions(kind) : null,
      rows: [{ cells: emptyCells(kind, this.clock.now()), object: isShown ? partial : null }],
    };
  }

  #shared(event: SelectedEvent): Uint8Array {
    let lines = sharedLines.get(event.source);
    if (!lines) sharedLines.set(event.source, lines = new Map());
    const name = `${event.type},${this.#name}`;
    let bytes = lines.get(name);
    if (!bytes) lines.set(name, bytes = this.#line(event, false));
    return bytes;
  }

  #line({ type, entry }: SelectedEvent, first: boolean): Uint8Array {
    const open = encoder.encode(`{"type":"${type}","object":`);
    return concat([open, ...this.#objectParts(entry, first), LINE_END]);
  }

  #objectParts(entry: Entry, first: boolean): Uint8Array[] {
    const { format, kind } = this;
    if (format.as === "object") return [kind.bytesOf(entry)];
    if (format.as === "metadata") {
      return [encoder.encode(JSON.stringify(metadataOf(entry.object, format.version)))];
    }
    const metadata = { resourceVersion: String(entry.revision) };
    const head = first
      ? tableHead(kind, format.version, metadata)
      : tableHeadOfEvent(format.version, metadata);
    const options = { version: format.version, include: this.include };
    return [head, ...rowParts(kind, entry, options, this.clock.now()), TABLE_END];
  }
}

const LINE_END = encoder.encode("}\n");
const sharedLines = new WeakMap<object, Map<string, Uint8Array>>();

function line(type: string, object: unknown): Uint8Array {
  return encoder.encode(JSON.stringify({ type, object }) + "\n");
}
