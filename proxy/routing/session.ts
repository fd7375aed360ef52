import { hashedName } from "../../core/lib/hashed_name.ts";
import type { Scheme } from "../messages/forwarded_fields.ts";
import type { Head } from "../messages/head.ts";
import { fieldOf } from "../messages/head_writer.ts";
import { ascii } from "../messages/characters.ts";
import type { HeaderEdit, Persistence } from "../table/route_table.ts";

/** A session that lasts as long as it is used is told again to its client when that has used it this long. */
const REFRESH_MS = 1_000;

/** Whom a session belongs to. Names are hashed: clients need not know them. */
export interface Session {
  readonly backend: string;
  readonly endpoint: string;
  /** By the clock of the machine. */
  readonly startedMs: number;
  readonly usedMs: number;
}

const COOKIE = ascii("cookie");
const TOKEN = /^([0-9a-f]{8})([0-9a-f]{8})-([0-9a-z]{1,11})-([0-9a-z]{1,11})$/;

/** The session that a request is part of; `undefined`: none, or one that is over. */
export function sessionIn(
  persistence: Persistence,
  bytes: Uint8Array,
  headEnd: number,
  head: Head,
  nowMs: number,
): Session | undefined {
  const [, backend, endpoint, started, used] = TOKEN.exec(
    tokenIn(persistence, bytes, headEnd, head) ?? "",
  ) ?? [];
  if (backend === undefined) return undefined;
  const startedMs = parseInt(started!, 36), usedMs = parseInt(used!, 36);
  const { absoluteMs = Infinity, idleMs = Infinity } = persistence;
  if (nowMs - startedMs >= absoluteMs || nowMs - usedMs >= idleMs) return undefined;
  return { backend, endpoint: endpoint!, startedMs, usedMs };
}

function tokenIn(
  { kind, name }: Persistence,
  bytes: Uint8Array,
  headEnd: number,
  head: Head,
): string | undefined {
  if (kind === "Header") return fieldOf(bytes, headEnd, head, ascii(name.toLowerCase()));
  const pairs = fieldOf(bytes, headEnd, head, COOKIE)?.split(/[;,]/) ?? [];
  return pairs.map((pair) => pair.trim()).find((pair) => pair.startsWith(`${name}=`))
    ?.slice(name.length + 1);
}

/**
 * What tells a client the session that it is in from now on, with the changes of its route; those alone when it knows.
 * `before`: the session of the request. `path`: of the route.
 */
export function withSession(
  own: HeaderEdit | undefined,
  persistence: Persistence,
  { before, path, scheme, nowMs, ...at }: {
    before: Session | undefined;
    /** The backend's name and the endpoint's key. */
    backend: string;
    endpoint: string;
    path: string;
    scheme: Scheme;
    nowMs: number;
  },
): HeaderEdit | undefined {
  const backend = hashedName(at.backend), endpoint = hashedName(at.endpoint);
  const isSame = before?.backend === backend && before.endpoint === endpoint;
  const isFresh = persistence.idleMs === undefined ||
    (before !== undefined && nowMs - before.usedMs < REFRESH_MS);
  if (isSame && isFresh) return own;
  const startedMs = before?.startedMs ?? nowMs;
  const token = `${backend}${endpoint}-${startedMs.toString(36)}-${nowMs.toString(36)}`;
  const field = persistence.kind === "Header" ? { name: persistence.name, value: token } : {
    name: "Set-Cookie",
    value: cookieOf(persistence, { token, path, scheme, startedMs, nowMs }),
  };
  return { set: own?.set ?? [], add: [...own?.add ?? [], field], remove: own?.remove ?? [] };
}

function cookieOf(
  { name, isPermanent, absoluteMs }: Persistence,
  { token, path, scheme, startedMs, nowMs }: {
    token: string;
    path: string;
    scheme: Scheme;
    startedMs: number;
    nowMs: number;
  },
): string {
  const restS = isPermanent && absoluteMs ? Math.ceil((startedMs + absoluteMs - nowMs) / 1_000) : 0;
  return `${name}=${token}; Path=${path}; HttpOnly; SameSite=Strict` +
    (scheme === "https" ? "; Secure" : "") + (restS > 0 ? `; Max-Age=${restS}` : "");
}
