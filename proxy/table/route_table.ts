import { type Backend } from "../../core/traffic/backends.ts";
import type { ServedCertificate } from "../../core/traffic/certificates.ts";
import type { GatewaySettings } from "../../core/resources/gateway/settings.ts";

/**
 * Everything that the proxy needs to know, as plain data: it is made by `buildRouteTable`, sent whole to the
 * worker threads by `postMessage`, and swapped for the next one. Routes stand in the order in which they are tried.
 *
 * Source: https://gateway-api.sigs.k8s.io/reference/spec/ (HTTPRoute, precedence of matches)
 */
export interface RouteTable {
  readonly listeners: readonly Listener[];
  readonly backends: readonly Backend[];
  /** What was asked for and cannot be done. For logs, status conditions and people. */
  readonly problems: readonly Problem[];
}

export type Listener = HttpListener | ServiceListener;

interface ListensOn {
  /** Unique in a table. A listener of the same name, address and port stays open when tables are swapped. */
  readonly name: string;
  readonly address: string;
  /** 0: any free one, for tests. */
  readonly port: number;
}

/** A port that speaks HTTP. Several Gateways and hosts may share it. */
export interface HttpListener extends ListensOn {
  readonly protocol: "HTTP";
  /** Whether clients speak TLS: then each host has certificates. */
  readonly isEncrypted?: true;
  /** The most specific host name first. A request goes to the first that fits, and to no other. */
  readonly hosts: readonly ListenerHost[];
}

/** What one host name of a listener serves. */
export interface ListenerHost {
  /** `""`: any. `*.example.com`: any name below. In small letters. */
  readonly hostname: string;
  /** Of the Gateway whose listener it is; the default when absent. */
  readonly settings?: GatewaySettings;
  /** That clients are shown who ask for the host by TLS: the first that is for the name, or else the first. */
  readonly certificates?: readonly ServedCertificate[];
  /** By precedence: the first whose match fits takes the request. */
  readonly routes: readonly Route[];
}

/** A port whose connections or datagrams are passed on as they are: ClusterIP, NodePort, load balancer, host port. */
export type ServiceListener = TcpListener | UdpListener;

interface PassesOn extends ListensOn, Lead {
  /** Ranges of those who may connect; absent: whoever gets here. */
  readonly peers?: readonly string[];
  /** Whom others than those in `inside` are led to (`externalTrafficPolicy: Local`); absent: to the same. */
  readonly outside?: Lead & { readonly inside: readonly string[] };
}

/** Whom clients are led to: one backend, or several by weight, a connection at a time. */
export interface Lead {
  /** Index into `backends`. With `split`: of one that has a weight. */
  readonly backend: number;
  readonly split?: Split;
}

/** Shares of what has no rule. `key`: as of a {@linkcode Rule}. */
export type Split = Pick<Rule, "key" | "shares">;

export interface TcpListener extends PassesOn {
  readonly protocol: "TCP";
}

/** Nobody can listen for datagrams on all addresses and answer from the one that was asked: `address` is never a wildcard. */
export interface UdpListener extends PassesOn {
  readonly protocol: "UDP";
}

/** One match of one rule. Rules with several matches stand here several times, with the same `rule`. */
export interface Route {
  readonly hostname: string;
  readonly match: RouteMatch;
  readonly rule: Rule;
}

export interface RouteMatch {
  readonly path: { readonly type: PathType; readonly value: string };
  /** `undefined`: any. */
  readonly method?: string;
  readonly headers: readonly ValueMatch[];
  readonly queryParams: readonly ValueMatch[];
}
export type PathType = "Exact" | "PathPrefix" | "RegularExpression";

/** `name` of a header is in small letters. Regular expressions must fit the whole value. */
export interface ValueMatch {
  readonly type: "Exact" | "RegularExpression";
  readonly name: string;
  readonly value: string;
}

/** What a `RegularExpression` matches: the whole text. Throws SyntaxError when it is none. */
export function wholePattern(value: string): RegExp {
  return new RegExp(`^(?:${value})$`);
}

export interface Rule {
  /** Unique and lasting: `namespace/name/index`. The weights' cycle goes on across tables by it. */
  readonly key: string;
  readonly shares: readonly Share[];
  readonly requestHeaders?: HeaderEdit;
  readonly responseHeaders?: HeaderEdit;
  readonly rewrite?: Rewrite;
  readonly redirect?: Redirect;
  /** What is answered in place of any backend. */
  readonly answer?: FixedAnswer;
  readonly cors?: Cors;
  /** How its requests stay where their session is; absent: each goes to whose turn it is. */
  readonly persistence?: Persistence;
  /** Who gets copies of its requests. */
  readonly mirrors?: readonly Mirror[];
  /** From the request's first byte to the response's last. 0: no limit, absent: the listener's. */
  readonly requestMs?: number;
  /** From the claim of a backend to the response's last byte. 0: no limit; absent: the listener's. */
  readonly backendRequestMs?: number;
}

/** How a client tells which session it is in: weights count for new ones alone. */
export interface Persistence {
  readonly kind: "Cookie" | "Header";
  /** Of the cookie or the header. */
  readonly name: string;
  /** How long a session lasts at most; absent: as long as the client. */
  readonly absoluteMs?: number;
  /** How long it lasts without a request. */
  readonly idleMs?: number;
  /** Whether the cookie outlives the browser. */
  readonly isPermanent: boolean;
}

/** Gets copies of `numerator` of `denominator` requests. */
export interface Mirror {
  /** Index into `backends`. */
  readonly backend: number;
  readonly numerator: number;
  readonly denominator: number;
}

/** The cycle of a mirror of a rule: its part, and the rest, which leads to nobody. */
function mirrorSplit(
  { key }: Rule,
  { backend, numerator, denominator }: Mirror,
  index: number,
): Split {
  const part = { weight: numerator, backend };
  const rest = { weight: denominator - numerator, backend: NOBODY };
  return { key: `${key} mirror ${index}`, shares: [part, rest] };
}
/** An index of no backend. */
const NOBODY = -1;

/** A weight, and who serves it: an index into `backends`. */
export interface Share {
  readonly weight: number;
  readonly backend: number;
}

export interface HeaderEdit {
  readonly set: readonly HeaderValue[];
  readonly add: readonly HeaderValue[];
  /** In small letters. */
  readonly remove: readonly string[];
}
export interface HeaderValue {
  readonly name: string;
  readonly value: string;
}

export interface Rewrite {
  readonly hostname?: string;
  readonly path?: PathRewrite;
}
/** `ReplacePrefixMatch` replaces what the route's PathPrefix matched. */
export interface PathRewrite {
  readonly type: "ReplaceFullPath" | "ReplacePrefixMatch";
  readonly value: string;
}

export interface Redirect {
  readonly scheme?: string;
  readonly hostname?: string;
  readonly port?: number;
  readonly path?: PathRewrite;
  readonly statusCode: number;
}

export interface FixedAnswer {
  readonly status: number;
  readonly fields: readonly HeaderValue[];
  readonly body: string;
  readonly contentType: string;
}

/** Which scripts of other origins may use the answers, as HTTPCORSFilter says it. */
export interface Cors {
  /** `https://*.example.com`; `*` alone: all. */
  readonly allowOrigins: readonly string[];
  readonly allowCredentials: boolean;
  readonly allowMethods: readonly string[];
  readonly allowHeaders: readonly string[];
  readonly exposeHeaders: readonly string[];
  readonly maxAgeSeconds: number;
}

/** Something that an object asks for and cannot get, in the words of the Gateway API's conditions. */
export interface Problem {
  readonly kind: "Gateway" | "HTTPRoute" | "Ingress" | "Pod" | "Service";
  readonly namespace: string;
  readonly name: string;
  /** Section: a listener's name, `rules[0]`, a port. */
  readonly section: string;
  readonly reason: ProblemReason;
  readonly message: string;
}
export type ProblemReason =
  | "BackendNotFound"
  | "HostnameConflict"
  | "InvalidCertificateRef"
  | "InvalidKind"
  | "NoMatchingListenerHostname"
  | "NoMatchingParent"
  | "NotAllowedByListeners"
  | "PortUnavailable"
  | "ProtocolConflict"
  | "RefNotPermitted"
  | "UnsupportedProtocol"
  | "UnsupportedValue";

/** What takes turns by weight: rules, and what clients of Services are led to. */
export function splitsOf({ listeners }: RouteTable): Split[] {
  return listeners.flatMap((listener) => {
    if (listener.protocol === "HTTP") {
      return listener.hosts.flatMap(({ routes }) =>
        routes.flatMap(({ rule }) => [rule, ...mirrorSplitsOf(rule)])
      );
    }
    return [listener.split ?? [], listener.outside?.split ?? []].flat();
  });
}

/** The cycles of the mirrors of a rule. */
export function mirrorSplitsOf(rule: Rule): Split[] {
  return (rule.mirrors ?? []).map((mirror, index) => mirrorSplit(rule, mirror, index));
}

/** The backends to which a listener of Services leads those who are inside: those that have a weight. */
export function backendsOf({ backend, split }: Lead): number[] {
  return split?.shares.flatMap((share) => share.weight > 0 ? share.backend : []) ?? [backend];
}

/** Nothing listens. */
export const EMPTY_TABLE: RouteTable = { listeners: [], backends: [], problems: [] };

const PATH_RANK: Readonly<Record<PathType, number>> = {
  Exact: 0,
  PathPrefix: 1,
  RegularExpression: 2,
};

/**
 * Which of two matches is tried first, as the Gateway API orders them: host name, path, method, number of
 * headers, number of query parameters. 0: its rules say no more; the older route, then the name decide.
 */
export function compareRoutes(a: Route, b: Route): number {
  return compareHostnames(a.hostname, b.hostname) ||
    PATH_RANK[a.match.path.type] - PATH_RANK[b.match.path.type] ||
    b.match.path.value.length - a.match.path.value.length ||
    Number(a.match.method === undefined) - Number(b.match.method === undefined) ||
    b.match.headers.length - a.match.headers.length ||
    b.match.queryParams.length - a.match.queryParams.length;
}

/** Exact names first, then wildcards, the longer ones first, then "any". */
export function compareHostnames(a: string, b: string): number {
  return rankOf(a) - rankOf(b) || b.length - a.length;
}

function rankOf(hostname: string): number {
  if (hostname === "") return 2;
  return hostname.startsWith("*.") ? 1 : 0;
}
