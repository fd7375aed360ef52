import { ApiError } from "../../client/api_error.ts";
import { flag, type Query, wholeNumber } from "../http/query_parameters.ts";

/** https://kubernetes.io/docs/reference/kubernetes-api/common-parameters/common-parameters/ */
export interface ListOptions {
  labelSelector: string;
  fieldSelector: string;
  /** `undefined`: no limit. */
  limit: number | undefined;
  continueToken: string | undefined;
  /** `undefined`: not given. */
  resourceVersion: number | undefined;
  resourceVersionMatch: "Exact" | "NotOlderThan" | undefined;
  timeoutSeconds: number | undefined;
  watch: boolean;
  allowWatchBookmarks: boolean;
  sendInitialEvents: boolean | undefined;
}

/** Reads the parameters of a list or watch. Throws BadRequest or Invalid. */
export function listOptions(query: Query): ListOptions {
  const match = query("resourceVersionMatch") || undefined;
  const options: ListOptions = {
    labelSelector: query("labelSelector") ?? "",
    fieldSelector: query("fieldSelector") ?? "",
    limit: limitOf(query),
    continueToken: query("continue") || undefined,
    resourceVersion: resourceVersionOf(query),
    resourceVersionMatch: match === "Exact" || match === "NotOlderThan" ? match : undefined,
    timeoutSeconds: wholeNumber(query, "timeoutSeconds"),
    watch: flag(query, "watch") ?? false,
    allowWatchBookmarks: flag(query, "allowWatchBookmarks") ?? false,
    sendInitialEvents: flag(query, "sendInitialEvents"),
  };
  refuseContradictions(options, match);
  return options;
}

/** Less than 1 is no limit, as in Kubernetes. */
function limitOf(query: Query): number | undefined {
  const limit = wholeNumber(query, "limit") ?? 0;
  return limit > 0 ? limit : undefined;
}

function resourceVersionOf(query: Query): number | undefined {
  const text = query("resourceVersion");
  if (text === undefined || text === "") return undefined;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  const fault = `Invalid value: ${JSON.stringify(text)}: strconv.ParseUint: parsing ` +
    `${JSON.stringify(text)}: invalid syntax`;
  throw new ApiError("BadRequest", `invalid resource version: resourceVersion: ${fault}`);
}

/** The rules of apimachinery's ValidateListOptions. */
function refuseContradictions(options: ListOptions, match: string | undefined): void {
  const { sendInitialEvents } = options;
  if (sendInitialEvents !== undefined) refuseWrongStream(options, match);
  else if (match !== undefined) refuseWrongMatch(options, match);
}

function refuseWrongStream({ watch }: ListOptions, match: string | undefined): void {
  if (!watch) {
    throw invalid("sendInitialEvents", "Forbidden: sendInitialEvents is forbidden for list");
  }
  if (match === "NotOlderThan") return;
  throw invalid(
    "resourceVersionMatch",
    "Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
  );
}

function refuseWrongMatch(options: ListOptions, match: string): void {
  const { watch, resourceVersion, continueToken } = options;
  const why = watch
    ? "Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"
    : resourceVersion === undefined
    ? "Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided"
    : continueToken !== undefined
    ? "Forbidden: resourceVersionMatch is forbidden when continue is provided"
    : match !== "Exact" && match !== "NotOlderThan"
    ? `Unsupported value: "${match}": supported values: "Exact", "NotOlderThan", ""`
    : match === "Exact" && resourceVersion === 0
    ? 'Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"'
    : undefined;
  if (why !== undefined) throw invalid("resourceVersionMatch", why);
}

function invalid(field: string, message: string): ApiError {
  return new ApiError("Invalid", `ListOptions.meta.k8s.io "" is invalid: ${field}: ${message}`, {
    group: "meta.k8s.io",
    kind: "ListOptions",
    causes: [{ field, message, reason: reasonOf(message) }],
  });
}

function reasonOf(message: string) {
  if (message.startsWith("Forbidden")) return "FieldValueForbidden";
  return message.startsWith("Unsupported") ? "FieldValueNotSupported" : "FieldValueInvalid";
}
