import { isJsonObject, type JsonObject } from "../../lib/json/json_value.ts";
import type { User } from "../http/api_context.ts";
import type { RequestInfo } from "../http/request_info.ts";
import type { Level, Stage } from "./policy.ts";

/** What is known of a request at one stage; bodies are not read yet. It is sent to the thread that writes the log. */
export interface Observation {
  level: Level;
  auditId: string;
  stage: Stage;
  requestUri: string;
  info: RequestInfo;
  /** Absent: nobody has been authenticated. */
  user?: User;
  impersonatedUser?: User;
  sourceIps: readonly string[];
  userAgent?: string;
  /** Absent: there is no answer yet. */
  code?: number;
  /** What the status says where the answer has none. */
  message?: string;
  receivedMs: number;
  stageMs: number;
  annotations: Readonly<Record<string, string>>;
  omitManagedFields: boolean;
  isPatch: boolean;
  request?: Body;
  response?: Body;
}

export interface Body {
  /** Media type without parameters. */
  type: string;
  /** `undefined`: they were more than {@linkcode BODY_BYTES_MAX}. */
  bytes: Uint8Array | undefined;
}

/** Larger bodies are left out of events. */
export const BODY_BYTES_MAX = 1024 * 1024;
/** As in kube-apiserver. */
const USER_AGENT_CHARS_MAX = 1024;
const TRUNCATED = "audit.k8s.io/truncated";

/** The bodies of a request as JSON values; `undefined`: there is none, or it cannot be read. */
export interface Documents {
  request?: unknown;
  response?: unknown;
}

/** The event as kube-apiserver writes it: https://kubernetes.io/docs/reference/config-api/apiserver-audit.v1/ */
export function eventOf(seen: Observation, { request, response }: Documents): JsonObject {
  const { level, info, user, impersonatedUser, sourceIps, userAgent } = seen;
  const showsRequest = info.isResource && (level === "Request" || level === "RequestResponse");
  const showsResponse = info.isResource && level === "RequestResponse";
  const isTruncated = showsRequest && seen.request && !seen.request.bytes ||
    showsResponse && seen.response && !seen.response.bytes;
  const annotations = { ...seen.annotations, ...(isTruncated && { [TRUNCATED]: "true" }) };
  const shown = (value: unknown) => seen.omitManagedFields ? withoutManagedFields(value) : value;
  return {
    kind: "Event",
    apiVersion: "audit.k8s.io/v1",
    level,
    auditID: seen.auditId,
    stage: seen.stage,
    requestURI: seen.requestUri,
    verb: info.verb,
    user: user ? userOf(user) : {},
    ...(impersonatedUser && { impersonatedUser: userOf(impersonatedUser) }),
    ...(sourceIps.length > 0 && { sourceIPs: sourceIps }),
    ...(userAgent && { userAgent: cut(userAgent) }),
    ...(info.isResource && { objectRef: referenceOf(info, seen.isPatch ? undefined : request) }),
    ...(seen.code !== undefined && { responseStatus: statusOf(seen, seen.code, response) }),
    ...(showsRequest && request !== undefined && { requestObject: shown(request) }),
    ...(showsResponse && response !== undefined && { responseObject: shown(response) }),
    requestReceivedTimestamp: microTime(seen.receivedMs),
    stageTimestamp: microTime(seen.stageMs),
    ...(Object.keys(annotations).length > 0 && { annotations }),
  };
}

function userOf({ name, uid, groups, extra }: User): JsonObject {
  return {
    ...(name && { username: name }),
    ...(uid && { uid }),
    ...(groups.length > 0 && { groups }),
    ...(extra && Object.keys(extra).length > 0 && { extra }),
  };
}

/** What the path leaves open is taken from the object that was sent. */
function referenceOf(
  info: Extract<RequestInfo, { isResource: true }>,
  request: unknown,
): JsonObject {
  const metadata = isJsonObject(request) && isJsonObject(request.metadata) ? request.metadata : {};
  const textOf = (value: unknown) => typeof value === "string" ? value : "";
  const all = {
    resource: info.resource,
    namespace: info.namespace || textOf(metadata.namespace),
    name: info.name || textOf(metadata.name),
    uid: textOf(metadata.uid),
    apiGroup: info.group,
    apiVersion: info.version,
    resourceVersion: textOf(metadata.resourceVersion),
    subresource: info.subresource ?? "",
  };
  return Object.fromEntries(Object.entries(all).filter(([, text]) => text !== ""));
}

/** The Status that was answered, or the code alone. */
function statusOf({ message }: Observation, code: number, response: unknown): JsonObject {
  if (!isJsonObject(response) || response.kind !== "Status" || response.apiVersion !== "v1") {
    return {
      metadata: {},
      ...(message && code < 400 && { status: "Success" }),
      ...(message && { message }),
      code,
    };
  }
  const { status, message: told, reason, details } = response;
  return {
    metadata: {},
    ...(status !== undefined && { status }),
    ...(told !== undefined && { message: told }),
    ...(reason !== undefined && { reason }),
    ...(details !== undefined && { details }),
    code,
  };
}

/** Of an object, of those in a list and of those in the rows of a table. */
function withoutManagedFields(value: unknown): unknown {
  if (!isJsonObject(value)) return value;
  const lean = { ...value };
  if (isJsonObject(value.metadata)) {
    const { managedFields: _, ...metadata } = value.metadata;
    lean.metadata = metadata;
  }
  if (Array.isArray(value.items)) lean.items = value.items.map(withoutManagedFields);
  if (value.kind === "Table" && Array.isArray(value.rows)) {
    lean.rows = value.rows.map((row) =>
      isJsonObject(row) ? { ...row, object: withoutManagedFields(row.object) } : row
    );
  }
  return lean;
}

function cut(userAgent: string): string {
  return userAgent.length <= USER_AGENT_CHARS_MAX
    ? userAgent
    : `${userAgent.slice(0, USER_AGENT_CHARS_MAX)}...TRUNCATED`;
}

/** `2026-01-01T00:00:00.000000Z`. */
function microTime(ms: number): string {
  const micros = Math.floor((ms - Math.floor(ms)) * 1000);
  const text = new Date(Math.floor(ms)).toISOString();
  return `${text.slice(0, -1)}${String(micros).padStart(3, "0")}Z`;
}
