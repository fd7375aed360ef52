import { ApiError } from "../../client/api_error.ts";
import type { Applied, ApplyError, ApplyOptions } from "../../objects/apply.ts";
import { runInTurns } from "../../lib/steps.ts";
import type { Objects } from "../../objects/objects.ts";
import type { Catalog } from "../../resources/catalog.ts";
import { sendJson, sendText } from "../http/answer.ts";
import type { ApiContext } from "../http/api_context.ts";
import { mediaTypeOf, unsupported } from "../http/request_body.ts";
import { warn } from "./request.ts";
import { failure, type Status } from "../http/status.ts";
import { applyOptions } from "./write_query.ts";

/** Accepted media types, or none (`curl -T` sends none); YAML has many names. */
const MANIFEST_TYPES = [
  "application/yaml",
  "application/json",
  "application/x-yaml",
  "text/yaml",
  "text/x-yaml",
];
/** Errors listed in one answer: a broken generator repeats the same mistake thousands of times. */
const ERRORS_SHOWN_MAX = 200;

/** A Status, which every Kubernetes client understands, with the result of each document. */
interface ApplyAnswer extends Status {
  results: readonly Applied[];
}

/**
 * PUT /apply: creates or updates every object of a stream of manifests, YAML or JSON, as `kubectl apply` would. If any
 * document is invalid, nothing is written; every error has its line and column.
 *
 * Query: `namespace`, `dryRun=All`, `fieldValidation`, `fieldManager`; `server-side`: as `kubectl apply --server-side`, then also
 * `force`. Answers 200, or a 4xx, with a Status that has `results`, one
 * for each object; or in lines of text for `Accept: text/plain`, and for curl unless it asks for something else.
 */
export async function answerApply(
  c: ApiContext,
  { objects, catalog }: { objects: Objects; catalog: Catalog },
): Promise<Response> {
  if (c.req.method !== "PUT") {
    throw new ApiError(
      "MethodNotAllowed",
      'the server does not allow this method on the requested resource; send manifests by PUT, such as with "curl -T FILE"',
    );
  }
  const type = mediaTypeOf(c);
  if (type !== "" && !MANIFEST_TYPES.includes(type)) throw unsupported(MANIFEST_TYPES);
  const options = applyOptions(c);
  const body = await c.get("readBody")();
  const { results, fault } = await c.get("readInTurn")( // until the end: to locate errors it is parsed again
    body,
    () => apply(body, objects, catalog, options),
  );
  warn(c, results.flatMap(({ warnings }) => warnings));
  const status = fault ? failure(fault) : statusOf(results, { isDryRun: options.dryRun === true });
  return wantsText(c)
    ? sendText(c, status.code, textOf(results, status, options.dryRun === true))
    : sendJson(c, status.code, { ...status, results } satisfies ApplyAnswer);
}

/** `fault`: why the stream cannot be parsed. */
async function apply(
  body: Uint8Array,
  objects: Objects,
  catalog: Catalog,
  options: ApplyOptions,
): Promise<{ results: readonly Applied[]; fault?: ApiError }> {
  const { ManifestError, readManifests } = await import("../../manifest/manifest.ts");
  try {
    const documents = await runInTurns(readManifests(body));
    if (documents.length === 0) {
      return { results: [], fault: new ApiError("BadRequest", "no objects passed to apply") };
    }
    const { applyManifest } = await import("../../objects/apply.ts");
    return { results: await applyManifest(objects, catalog.all, documents, options) };
  } catch (error) {
    if (!(error instanceof ManifestError)) throw error;
    return {
      results: [],
      fault: new ApiError("BadRequest", `error parsing manifest: ${error.message}`),
    };
  }
}

function statusOf(results: readonly Applied[], { isDryRun }: { isDryRun: boolean }): Status {
  const failed = results.filter(({ outcome }) => outcome === "failed");
  if (failed.length === 0) {
    const message = isDryRun ? "all objects would be applied" : "all objects are applied";
    return {
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Success",
      message,
      code: 200,
    };
  }
  const isWritten = results.some(({ outcome }) => /^(created|configured|unchanged)$/.test(outcome));
  const [reason, rest] = isWritten
    ? ["Conflict", "the others are applied"] as const
    : ["Invalid", "nothing was changed"] as const;
  const causes = failed.flatMap((applied) =>
    applied.errors.map((error) => ({
      reason: "FieldValueInvalid" as const,
      field: error.field ?? "",
      message: errorLine(applied, error),
    }))
  );
  const message = `${failed.length} of ${results.length} objects cannot be applied, ${rest}`;
  return failure(new ApiError(reason, message, { causes: causes.slice(0, ERRORS_SHOWN_MAX) }));
}

/** Whether the answer is to be read in a terminal. */
function wantsText(c: ApiContext): boolean {
  const accept = c.req.header("accept") ?? "";
  if (/^text\/plain\b/.test(accept)) return true;
  return /^curl\//.test(c.req.header("user-agent") ?? "") && (accept === "" || accept === "*/*");
}

/** In kubectl's words. */
function textOf(results: readonly Applied[], status: Status, isDryRun: boolean): string {
  if (status.status === "Success") {
    return results.flatMap(({ object, outcome, warnings }) => [
      ...warnings.map((warning) => `Warning: ${object}: ${warning}\n`),
      `${object} ${outcome}${isDryRun ? " (server dry run)" : ""}\n`,
    ]).join("");
  }
  const causes = status.details?.causes ?? [];
  const lines = causes.map(({ message }) => `error: ${message}\n`);
  return [...lines, `error: ${status.message}\n`].join("");
}

/** `line 3, column 5: deployment.apps/web: spec.replicas: Invalid value: …` */
function errorLine({ object }: Applied, { line, column, message }: ApplyError): string {
  return `line ${line}, column ${column}: ${object}: ${message}`;
}
