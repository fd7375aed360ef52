import { ApiError } from "../../client/api_error.ts";

/** The format of an answer. */
export type Format =
  | { as: "object" }
  | { as: "table"; version: TableVersion }
  | { as: "metadata"; version: TableVersion };
export type TableVersion = "v1" | "v1beta1";

const CLAUSES_MAX = 32;

/**
 * The first format of an Accept header that we support, by quality, then by order. Protobuf and CBOR are skipped: every
 * client that prefers them accepts JSON too.
 * Source: https://kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-tables
 */
export function formatFor(accept: string | undefined): Format {
  for (const clause of clausesOf(accept)) {
    const format = formatOf(clause);
    if (format) return format;
  }
  throw new ApiError(
    "NotAcceptable",
    "only the following media types are accepted: application/json",
  );
}

/** Throws NotAcceptable for a client that wants a table, or metadata alone, of what has neither. */
export function refuseOtherFormats(accept: string | undefined): void {
  if (formatFor(accept).as === "object") return;
  throw new ApiError(
    "NotAcceptable",
    "only the following media types are accepted: application/json, application/yaml, application/vnd.kubernetes.protobuf",
  );
}

/** One `type/subtype;parameter=value` of an Accept header. */
export interface Clause {
  type: string;
  parameters: ReadonlyMap<string, string>;
}

/** The clauses of an Accept header, the preferred first. An empty header accepts everything. */
export function clausesOf(accept: string | undefined): readonly Clause[] {
  if (!accept?.trim()) return [{ type: "*/*", parameters: new Map() }];
  const clauses = accept.split(",", CLAUSES_MAX).map(parseClause);
  return clauses
    .map((clause, order) => ({ clause, order, quality: qualityOf(clause) }))
    .filter(({ quality }) => quality > 0)
    .sort((a, b) => b.quality - a.quality || a.order - b.order)
    .map(({ clause }) => clause);
}

function parseClause(text: string): Clause {
  const [type = "", ...parameters] = text.split(";").map((part) => part.trim());
  return {
    type: type.toLowerCase(),
    parameters: new Map(parameters.map((parameter): [string, string] => {
      const [name = "", value = ""] = parameter.split("=", 2);
      return [name.trim().toLowerCase(), value.trim().replace(/^"(.*)"$/, "$1")];
    })),
  };
}

function qualityOf({ parameters }: Clause): number {
  const quality = Number(parameters.get("q") ?? 1);
  return Number.isNaN(quality) ? 1 : quality;
}

function formatOf({ type, parameters }: Clause): Format | undefined {
  if (type !== "*/*" && type !== "application/*" && type !== "application/json") return undefined;
  const as = parameters.get("as");
  if (as === undefined) return { as: "object" };
  const version = parameters.get("v");
  if (parameters.get("g") !== "meta.k8s.io" || (version !== "v1" && version !== "v1beta1")) {
    return undefined;
  }
  if (as === "Table") return { as: "table", version };
  if (as === "PartialObjectMetadata" || as === "PartialObjectMetadataList") {
    return { as: "metadata", version };
  }
  return undefined;
}
