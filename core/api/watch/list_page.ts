import { ApiError } from "../../client/api_error.ts";
import { type Entry, ExpiredError, type Prefix, type Store } from "../../store/store.ts";
import type { ListOptions } from "./list_options.ts";
import { ExpiredListError } from "../http/status.ts";
import type { Matches } from "./watch_lines.ts";

/** The content of one answer to a list request. */
export interface Page {
  entries: readonly Entry[];
  revision: number;
  /** `undefined`: this is the last page. */
  continueToken: string | undefined;
  /** Number of remaining items; `undefined` with selectors. */
  remaining: number | undefined;
}

/** Where the next page starts: after `start`, in the state at revision `rv` (-1: in the current state). */
interface Continue {
  v: "meta.k8s.io/v1";
  rv: number;
  start: readonly [namespace: string, name: string];
}

const INCONSISTENT = -1;
const TOO_OLD = "The provided continue parameter is too old to display a consistent list result. " +
  "You can start a new list without the continue parameter, or use the continue token in this " +
  "response to retrieve the remainder of the results. Continuing with the provided token results in " +
  "an inconsistent list - objects that were created, modified, or deleted between the time the first " +
  "chunk was returned and now may show up in the list.";

/**
 * One page of a list. All pages show the same state, however long the client takes between them: it is computed from the
 * current state by undoing the events since, as far back as the store keeps them.
 * Source: https://kubernetes.io/docs/reference/using-api/api-concepts/#retrieving-large-results-sets-in-chunks
 */
export function listPage(
  store: Store,
  prefix: Prefix,
  matches: Matches | undefined,
  options: ListOptions,
): Page {
  const from = options.continueToken === undefined ? undefined : decoded(options.continueToken);
  if (from && options.resourceVersion) {
    const message = "specifying resource version is not allowed when using continue";
    throw new ApiError("BadRequest", message);
  }
  const revision = from ? pageRevision(store, from) : wantedRevision(store, options);
  const all = from
    ? stateOfPage(store, prefix, revision, from)
    : entriesAt(store, prefix, revision);
  const start = from ? firstAfter(all, from.start) : 0;
  const { limit = Infinity } = options;
  if (matches) return filteredPage(all, start, { matches, limit, revision });
  const entries = start === 0 && all.length <= limit ? all : all.slice(start, start + limit);
  return pageOf(entries, { revision, remaining: all.length - start - entries.length });
}

/** Evaluates only as many objects as it takes to fill the page and to know whether more follow. */
function filteredPage(
  all: readonly Entry[],
  start: number,
  { matches, limit, revision }: { matches: Matches; limit: number; revision: number },
): Page {
  const entries: Entry[] = [];
  for (let at = start; at < all.length; at++) {
    const entry = all[at]!;
    if (!matches(entry.object)) continue;
    if (entries.length === limit) {
      return { ...pageOf(entries, { revision, remaining: 1 }), remaining: undefined };
    }
    entries.push(entry);
  }
  return pageOf(entries, { revision, remaining: 0 });
}

/** The entries as they were at `revision`. Throws ExpiredError when the events since are no longer kept. */
export function entriesAt(store: Store, prefix: Prefix, revision: number): readonly Entry[] {
  if (revision === store.revision) return store.list(prefix);
  const events = store.eventsAfter(prefix, revision);
  if (events.length === 0) return store.list(prefix);
  const entries = new Map(store.list(prefix).map((entry) => [entry.key.join("/"), entry]));
  for (const { entry, previous } of events.toReversed()) {
    if (previous) entries.set(entry.key.join("/"), previous);
    else entries.delete(entry.key.join("/"));
  }
  return [...entries.values()].sort((a, b) => order(a, [b.key[1], b.key[2]]));
}

/** The rules of https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions */
function wantedRevision(store: Store, options: ListOptions): number {
  const { resourceVersion, resourceVersionMatch, limit } = options;
  if (!resourceVersion) return store.revision;
  refuseFuture(store, resourceVersion);
  const isExact = resourceVersionMatch === "Exact" ||
    (resourceVersionMatch === undefined && limit !== undefined);
  return isExact ? resourceVersion : store.revision;
}

const TOO_LARGE = { reason: "ResourceVersionTooLarge", message: "Too large resource version" };

/** Throws Timeout for a version that this server has not reached. */
export function refuseFuture(store: Store, resourceVersion: number): void {
  if (resourceVersion <= store.revision) return;
  throw new ApiError(
    "Timeout",
    `Timeout: Too large resource version: ${resourceVersion}, current: ${store.revision}`,
    // A cause of the request as a whole is about no field; clients look for it to try again.
    { retryAfterSeconds: 1, causes: [TOO_LARGE] } as unknown as ApiError["details"],
  );
}

function pageRevision(store: Store, { rv }: Continue): number {
  if (rv > store.revision) throw badToken();
  return rv === INCONSISTENT ? store.revision : rv;
}

function stateOfPage(
  store: Store,
  prefix: Prefix,
  revision: number,
  from: Continue,
): readonly Entry[] {
  try {
    return entriesAt(store, prefix, revision);
  } catch (error) {
    if (!(error instanceof ExpiredError)) throw error;
    throw new ExpiredListError(TOO_OLD, encoded({ ...from, rv: INCONSISTENT }));
  }
}

function pageOf(
  entries: readonly Entry[],
  { revision, remaining }: { revision: number; remaining: number },
): Page {
  if (remaining === 0) return { entries, revision, continueToken: undefined, remaining: undefined };
  const [, namespace, name] = entries.at(-1)!.key;
  const continueToken = encoded({ v: "meta.k8s.io/v1", rv: revision, start: [namespace, name] });
  return { entries, revision, continueToken, remaining };
}

/** Index of the first entry that comes after `start`. */
function firstAfter(entries: readonly Entry[], start: Continue["start"]): number {
  let from = 0;
  let to = entries.length;
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (order(entries[middle]!, start) > 0) to = middle;
    else from = middle + 1;
  }
  return from;
}

function order(
  { key: [, namespace, name] }: Entry,
  [otherNamespace, otherName]: Continue["start"],
) {
  if (namespace !== otherNamespace) return namespace < otherNamespace ? -1 : 1;
  return name === otherName ? 0 : name < otherName ? -1 : 1;
}

function encoded(token: Continue): string {
  return btoa(JSON.stringify(token)).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

function decoded(text: string): Continue {
  try {
    const token: unknown = JSON.parse(atob(text.replaceAll("-", "+").replaceAll("_", "/")));
    if (isContinue(token)) return token;
  } catch {
    // Not base64, or not JSON: not one of our tokens.
  }
  throw badToken();
}

function isContinue(value: unknown): value is Continue {
  if (typeof value !== "object" || value === null) return false;
  const { v, rv, start } = value as Partial<Continue>;
  return v === "meta.k8s.io/v1" && Number.isSafeInteger(rv) && (rv as number) >= INCONSISTENT &&
    Array.isArray(start) && start.length === 2 && start.every((part) => typeof part === "string");
}

function badToken(): ApiError {
  return new ApiError("BadRequest", "invalid continue token: continue key is not valid");
}
