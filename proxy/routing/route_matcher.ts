import {
  type IpRange,
  isWithin,
  parseIp,
  parseIpRange,
} from "../../core/lib/addresses/ip_address.ts";
import {
  DEFAULT_SETTINGS,
  type GatewaySettings,
  HEAD_BYTES_MAX_DEFAULT,
} from "../../core/resources/gateway/settings.ts";
import { covers } from "../../core/traffic/hostnames.ts";
import type { LiveSplit } from "../backends/split.ts";
import {
  ascii,
  COLON,
  isExactly,
  isWord,
  QUESTION_MARK,
  SLASH,
  textOf,
} from "../messages/characters.ts";
import type { Head } from "../messages/head.ts";
import { fieldOf, valueRangeOf } from "../messages/head_writer.ts";
import {
  type ListenerHost,
  type PathType,
  type Route,
  type RouteMatch,
  type Rule,
  type ValueMatch,
  wholePattern,
} from "../table/route_table.ts";
import {
  type NormalPath,
  normalPathOf,
  type PathBytes,
  pathWithParameters,
} from "./normal_path.ts";

/** A rule with what one thread needs to serve it. */
export interface LiveRule {
  readonly rule: Rule;
  readonly split: LiveSplit;
  /** Who gets copies of its requests: a backend for its part of them, and nobody for the rest. */
  readonly mirrors: readonly LiveSplit[];
}

/** A route that a request matches, and its rule. */
export interface LiveRoute {
  readonly route: Route;
  readonly rule: LiveRule;
}

interface CompiledHostname {
  readonly isWildcard: boolean;
  /** In small letters; of a wildcard, the part from its dot on. Empty: any. */
  readonly bytes: Uint8Array;
}
interface CompiledRoute extends LiveRoute {
  readonly hostname: CompiledHostname;
  readonly matches: Matches;
}
/** Whether a request matches. `path`: its path in normal form. */
type Matches = (path: NormalPath, bytes: Uint8Array, headEnd: number, head: Head) => boolean;

const OPTIONS = ascii("OPTIONS"), REQUEST_METHOD = ascii("access-control-request-method");

/** Finds who serves a request among the hosts of a listener: the most specific one that matches, and no other. */
export class RouteMatcher {
  readonly #hosts: readonly LiveHost[];
  /** The longest head of any of its hosts: which one is meant is known only when the head has been read. */
  readonly headBytesMax: number;

  constructor(hosts: readonly ListenerHost[], liveRuleOf: (rule: Rule) => LiveRule) {
    this.#hosts = hosts.map((host) => new LiveHost(host, liveRuleOf));
    this.headBytesMax = Math.max(
      ...this.#hosts.map(({ settings }) => settings.headBytesMax),
      HEAD_BYTES_MAX_DEFAULT,
    );
  }

  /** Whether the peer is a trusted proxy for any of its hosts. */
  trusts(peer: string): boolean {
    return this.#hosts.some((host) => host.trusts(peer));
  }

  /** The host that a client has asked for by TLS, in small letters; `undefined`: there is none. */
  hostNamed(serverName: string): LiveHost | undefined {
    return this.#hosts.find(({ name }) => covers(name, serverName));
  }

  /** `undefined`: no host matches. */
  hostOf(bytes: Uint8Array, head: Head): LiveHost | undefined {
    const nameEnd = hostNameEnd(bytes, head);
    for (const host of this.#hosts) {
      if (isHost(bytes, head.hostStart, nameEnd, host.hostname)) return host;
    }
    return undefined;
  }
}

/**
 * A host of a listener, with what its Gateway says and its routes. Compares bytes where they are, so the usual route (a
 * host, a path) costs no allocation; headers, query parameters and regular expressions are read as text when a route
 * asks for them.
 */
export class LiveHost {
  /** As the table has it. */
  readonly name: string;
  readonly settings: GatewaySettings;
  readonly hostname: CompiledHostname;
  readonly #routes: readonly CompiledRoute[];
  readonly #trusted: readonly IpRange[];
  readonly #hasCors: boolean;

  constructor(
    { hostname, settings = DEFAULT_SETTINGS, routes }: ListenerHost,
    liveRuleOf: (rule: Rule) => LiveRule,
  ) {
    this.settings = settings;
    this.name = hostname;
    this.hostname = compiledHostname(hostname);
    this.#trusted = settings.trustedProxies.flatMap((text) => parseIpRange(text) ?? []);
    this.#hasCors = routes.some(({ rule }) => rule.cors !== undefined);
    this.#routes = routes.map((route) => ({
      route,
      rule: liveRuleOf(route.rule),
      hostname: compiledHostname(route.hostname),
      matches: compiledMatch(route.match),
    }));
  }

  /**
   * The first route that matches a request for this host; `undefined`: none. A preflight request goes to the route of the
   * method that it asks about, when that has a CORS filter.
   */
  routeOf(
    path: NormalPath,
    bytes: Uint8Array,
    headEnd: number,
    head: Head,
  ): LiveRoute | undefined {
    const asked = this.#hasCors && isMethod(bytes, head, OPTIONS)
      ? valueRangeOf(bytes, headEnd, head, REQUEST_METHOD)
      : undefined;
    if (asked === undefined) return this.#first(path, bytes, headEnd, head);
    const { start, methodEnd } = head;
    [head.start, head.methodEnd] = [asked.start, asked.end];
    const route = this.#first(path, bytes, headEnd, head);
    [head.start, head.methodEnd] = [start, methodEnd];
    return route?.rule.rule.cors ? route : this.#first(path, bytes, headEnd, head);
  }

  #first(
    path: NormalPath,
    bytes: Uint8Array,
    headEnd: number,
    head: Head,
  ): LiveRoute | undefined {
    const nameEnd = hostNameEnd(bytes, head);
    for (const route of this.#routes) {
      if (!isHost(bytes, head.hostStart, nameEnd, route.hostname)) continue;
      if (route.matches(path, bytes, headEnd, head)) return route;
    }
    return undefined;
  }

  /** Whether the peer is a trusted proxy. */
  trusts(peer: string): boolean {
    if (this.#trusted.length === 0) return false;
    const address = parseIp(peer);
    return address !== undefined && this.#trusted.some((range) => isWithin(address, range));
  }
}

function compiledHostname(hostname: string): CompiledHostname {
  const isWildcard = hostname.startsWith("*.");
  return { isWildcard, bytes: ascii((isWildcard ? hostname.slice(1) : hostname).toLowerCase()) };
}

/** The end of the host's name, without its port and without a last dot. */
function hostNameEnd(bytes: Uint8Array, { hostStart, hostEnd }: Head): number {
  let end = hostEnd;
  for (let p = hostEnd - 1; p >= hostStart; p--) {
    const c = bytes[p]!;
    if (c === COLON) {
      end = p;
      break;
    }
    if (c < 48 || c > 57) break;
  }
  return end > hostStart && bytes[end - 1] === 46 ? end - 1 : end;
}

function isHost(
  bytes: Uint8Array,
  start: number,
  end: number,
  { isWildcard, bytes: wanted }: CompiledHostname,
): boolean {
  if (wanted.length === 0) return true;
  const extra = end - start - wanted.length;
  if (isWildcard ? extra <= 0 : extra !== 0) return false;
  return isWord(bytes, start + extra, wanted);
}

function compiledMatch({ path, method, headers, queryParams }: RouteMatch): Matches {
  const matchesPath = compiledPath(path);
  if (method === undefined && headers.length === 0 && queryParams.length === 0) return matchesPath;
  const methodBytes = method === undefined ? undefined : ascii(method);
  const headerMatches = headers.map((header) => ({
    name: ascii(header.name),
    ...compared(header),
  }));
  const paramMatches = queryParams.map((param) => ({ name: param.name, ...compared(param) }));
  return (path, bytes, headEnd, head) => {
    if (!matchesPath(path, bytes, headEnd, head)) return false;
    if (methodBytes && !isMethod(bytes, head, methodBytes)) return false;
    for (const { name, matches } of headerMatches) {
      const value = fieldOf(bytes, headEnd, head, name);
      if (value === undefined || !matches(value)) return false;
    }
    if (paramMatches.length === 0) return true;
    const query = new URLSearchParams(queryOf(bytes, head));
    return paramMatches.every(({ name, matches }) => {
      const value = query.get(name);
      return value !== null && matches(value);
    });
  };
}

function isMethod(bytes: Uint8Array, { start, methodEnd }: Head, method: Uint8Array): boolean {
  return methodEnd - start === method.length && isExactly(bytes, start, method);
}

function compared({ type, value }: ValueMatch): { matches: (text: string) => boolean } {
  if (type === "Exact") return { matches: (text) => text === value };
  const pattern = wholePattern(value);
  return { matches: (text) => pattern.test(text) };
}

/** Without its question mark; `""` when there is none. */
function queryOf(bytes: Uint8Array, { pathStart, targetEnd }: Head): string {
  let p = pathStart;
  while (p < targetEnd && bytes[p] !== QUESTION_MARK) p++;
  return textOf(bytes, p + 1, targetEnd);
}

function compiledPath({ type, value }: RouteMatch["path"]): Matches {
  const matches = comparedPath(type, value);
  if (!value.includes(";")) return matches;
  return (path, bytes, _headEnd, { pathStart, targetEnd }) =>
    matches(pathWithParameters(path, bytes, pathStart, targetEnd)); // parameters count only for routes that name some
}

type PathMatches = (path: PathBytes) => boolean;

function comparedPath(type: PathType, value: string): PathMatches {
  if (type === "RegularExpression") {
    const pattern = wholePattern(value);
    return ({ bytes, start, end }) => pattern.test(textOf(bytes, start, end));
  }
  const wanted = normalPathOf(value, { keepsParameters: true });
  return type === "Exact" ? isPath(ascii(wanted)) : isUnder(ascii(wanted.replace(/\/+$/, "")));
}

function isPath(wanted: Uint8Array): PathMatches {
  return ({ bytes, start, end }) =>
    end - start === wanted.length && isExactly(bytes, start, wanted);
}

/** Whole segments only: `/a` is not a prefix of `/ab`. */
function isUnder(wanted: Uint8Array): PathMatches {
  if (wanted.length === 0) return () => true;
  return ({ bytes, start, end }) => {
    const after = start + wanted.length;
    if (after > end || !isExactly(bytes, start, wanted)) return false;
    return after === end || bytes[after] === SLASH;
  };
}
