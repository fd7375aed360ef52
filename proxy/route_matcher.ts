import type { Balancer } from "./balancer.ts";
import type { LiveBackend } from "./backends.ts";
import {
  ascii,
  COLON,
  isExactly,
  isWord,
  QUESTION_MARK,
  SLASH,
  textOf,
} from "./http1/characters.ts";
import type { Head } from "./http1/head.ts";
import { fieldOf } from "./http1/head_writer.ts";
import type { ListenerHost, Route, RouteMatch, Rule, ValueMatch } from "./route_table.ts";

/** A rule with what one thread needs to serve it. */
export interface LiveRule {
  readonly rule: Rule;
  readonly balancer: Balancer;
  /** By share. */
  readonly backends: readonly LiveBackend[];
}

/** A match that a request fits, and its rule. */
export interface LiveRoute {
  readonly route: Route;
  readonly rule: LiveRule;
}

interface CompiledHost {
  readonly hostname: CompiledHostname;
  readonly routes: readonly CompiledRoute[];
}
interface CompiledHostname {
  readonly isWildcard: boolean;
  /** In small letters; of a wildcard, the part from its dot on. Empty: any. */
  readonly bytes: Uint8Array;
}
interface CompiledRoute extends LiveRoute {
  readonly hostname: CompiledHostname;
  readonly fits: (bytes: Uint8Array, headEnd: number, head: Head) => boolean;
}

/**
 * Finds the route of a request among those of a listener. Compares bytes where they are, so the usual route (a host, a
 * path) costs no allocation; headers, query parameters and regular expressions are read as text when a route asks for them.
 */
export class RouteMatcher {
  readonly #hosts: readonly CompiledHost[];

  constructor(hosts: readonly ListenerHost[], liveRuleOf: (rule: Rule) => LiveRule) {
    this.#hosts = hosts.map(({ hostname, routes }) => ({
      hostname: compiledHostname(hostname),
      routes: routes.map((route) => ({
        route,
        rule: liveRuleOf(route.rule),
        hostname: compiledHostname(route.hostname),
        fits: compiledMatch(route.match),
      })),
    }));
  }

  /** The first route that fits; `undefined`: none. */
  match(bytes: Uint8Array, headEnd: number, head: Head): LiveRoute | undefined {
    const nameEnd = hostNameEnd(bytes, head);
    for (const { hostname, routes } of this.#hosts) {
      if (!isHost(bytes, head.hostStart, nameEnd, hostname)) continue;
      for (const route of routes) {
        if (!isHost(bytes, head.hostStart, nameEnd, route.hostname)) continue;
        if (route.fits(bytes, headEnd, head)) return route;
      }
      return undefined;
    }
    return undefined;
  }
}

/** Where the path of a request ends: before its query, if it has one. */
export function pathEndOf(bytes: Uint8Array, head: Head): number {
  let p = head.pathStart;
  while (p < head.targetEnd && bytes[p] !== QUESTION_MARK) p++;
  return p;
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

type Fits = CompiledRoute["fits"];

function compiledMatch({ path, method, headers, queryParams }: RouteMatch): Fits {
  const fitsPath = compiledPath(path);
  if (method === undefined && headers.length === 0 && queryParams.length === 0) return fitsPath;
  const methodBytes = method === undefined ? undefined : ascii(method);
  const fitHeaders = headers.map((header) => ({ name: ascii(header.name), ...compared(header) }));
  const fitParams = queryParams.map((param) => ({ name: param.name, ...compared(param) }));
  return (bytes, headEnd, head) => {
    if (!fitsPath(bytes, headEnd, head)) return false;
    if (methodBytes && !isMethod(bytes, head, methodBytes)) return false;
    for (const { name, fits } of fitHeaders) {
      const value = fieldOf(bytes, headEnd, head, name);
      if (value === undefined || !fits(value)) return false;
    }
    if (fitParams.length === 0) return true;
    const query = new URLSearchParams(
      textOf(bytes, pathEndOf(bytes, head) + 1, head.targetEnd),
    );
    return fitParams.every(({ name, fits }) => {
      const value = query.get(name);
      return value !== null && fits(value);
    });
  };
}

function isMethod(bytes: Uint8Array, { start, methodEnd }: Head, method: Uint8Array): boolean {
  return methodEnd - start === method.length && isExactly(bytes, start, method);
}

function compared({ type, value }: ValueMatch): { fits: (text: string) => boolean } {
  if (type === "Exact") return { fits: (text) => text === value };
  const pattern = wholePattern(value);
  return { fits: (text) => pattern.test(text) };
}

/** The pattern that fits when `value` fits the whole text. Throws SyntaxError when it is none. */
export function wholePattern(value: string): RegExp {
  return new RegExp(`^(?:${value})$`);
}

function compiledPath({ type, value }: RouteMatch["path"]): Fits {
  switch (type) {
    case "Exact": {
      const wanted = ascii(value);
      return (bytes, _headEnd, head) => {
        const end = pathEndOf(bytes, head);
        return end - head.pathStart === wanted.length && isExactly(bytes, head.pathStart, wanted);
      };
    }
    case "PathPrefix": {
      const wanted = ascii(value.replace(/\/+$/, ""));
      if (wanted.length === 0) return () => true;
      return (bytes, _headEnd, head) => {
        const after = head.pathStart + wanted.length;
        if (after > head.targetEnd || !isExactly(bytes, head.pathStart, wanted)) return false;
        const next = bytes[after];
        return after === head.targetEnd || next === SLASH || next === QUESTION_MARK;
      };
    }
    case "RegularExpression": {
      const pattern = wholePattern(value);
      return (bytes, _headEnd, head) =>
        pattern.test(textOf(bytes, head.pathStart, pathEndOf(bytes, head)));
    }
  }
}
