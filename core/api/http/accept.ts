import { ApiError, PathRefusal } from "../../client/api_error.ts";

/** The format of an answer. `yaml`: what would be JSON is written as YAML. */
export type Format =
  | { as: "object"; yaml?: true }
  | { as: "table"; version: TableVersion; yaml?: true }
  | { as: "metadata"; version: TableVersion; ofList: boolean; yaml?: true };
export type TableVersion = "v1" | "v1beta1";

const CLAUSES_MAX = 32;
export const YAML_TYPE = "application/yaml";
const WRITTEN_TYPES = ["application/json", YAML_TYPE];
const PROTOBUF_TYPE = "application/vnd.kubernetes.protobuf";
/** As Kubernetes tells them. Protobuf is read, and the other two are written. */
const TYPES = [...WRITTEN_TYPES, PROTOBUF_TYPE];
const WATCH_TYPES = ["application/json;stream=watch", `${PROTOBUF_TYPE};stream=watch`];

/** The client takes no type that the path could answer with. */
function unknownTypes(available: readonly string[]): ApiError {
  return new PathRefusal(
    "NotAcceptable",
    `406: Not Acceptable\n\nAvailable representations: ${available.join(", ")}`,
  );
}

/**
 * The first format of an Accept header that we support, by quality, then by order. Protobuf is skipped: clients that prefer
 * it accept JSON too, and those that do not are refused as by a server that never speaks it.
 * Source: https://kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-tables
 */
export function formatFor(accept: string | undefined): Format {
  const clauses = clausesOf(accept);
  for (const clause of clauses) {
    const format = formatOf(clause);
    if (format) return format;
  }
  throw unacceptable(clauses, WRITTEN_TYPES, TYPES);
}

/** The format of what has no table: whole, or YAML. Throws NotAcceptable for a client that wants other things only. */
export function plainFormatFor(accept: string | undefined): Format {
  const clauses = clausesOf(accept);
  for (const clause of clauses) {
    const format = formatOf(clause);
    if (format?.as === "object") return format;
  }
  throw unacceptable(clauses, WRITTEN_TYPES, TYPES);
}

/** The format of the lines of a watch, which are never YAML. Throws NotAcceptable. */
export function watchFormatFor(accept: string | undefined): Format {
  const clauses = clausesOf(accept);
  for (const clause of clauses) {
    const format = formatOf(clause);
    if (format && !format.yaml) return format;
  }
  throw unacceptable(clauses, WATCH_TYPES.slice(0, 1), WATCH_TYPES);
}

/** Whether an answer that needs no negotiation (an error, a Status) is YAML. Never throws. */
export function prefersYaml(accept: string | undefined): boolean {
  if (!accept?.includes("yaml")) return false;
  for (const clause of clausesOf(accept)) {
    const format = formatOf({ ...clause, parameters: new Map() });
    if (format) return format.yaml === true;
  }
  return false;
}

/**
 * Throws NotAcceptable when the header names no type that the path has, whatever its parameters; `application/*` is none.
 * `isCollection`: it may be watched.
 */
export function refuseUnknownTypes(accept: string | undefined, isCollection = false): void {
  if (!accept?.trim()) return;
  const names = accept.split(",", CLAUSES_MAX).map((clause) => clause.split(";", 1)[0]!.trim());
  if (names.some((name) => name === "*/*" || TYPES.includes(name))) return;
  throw unknownTypes(isCollection ? [...TYPES, ...WATCH_TYPES] : TYPES);
}

/**
 * Throws NotAcceptable, before anything is done, when no answer about objects could be written as the header asks.
 * `isCollection`: it is listed or watched, which looks for a format of its own.
 */
export function refuseUnanswerable(accept: string | undefined, isCollection: boolean): void {
  if (accept === undefined || answerable.has(accept)) return;
  refuseUnknownTypes(accept, isCollection);
  if (isCollection) return;
  formatFor(accept);
  if (answerable.size < ANSWERABLE_MAX && accept.length < ANSWERABLE_CHARACTERS_MAX) {
    answerable.add(accept);
  }
}
/** Headers that clients repeat with each request. They are short, and few. */
const answerable = new Set<string>();
const ANSWERABLE_MAX = 64;
const ANSWERABLE_CHARACTERS_MAX = 512;

/** Throws NotAcceptable when the header does not name JSON, the only type of the path. Parameters do not count. */
export function refuseAllButJson(accept: string | undefined): void {
  if (!accept?.trim()) return;
  const types = clausesOf(accept).map(({ type }) => type);
  if (types.some((type) => type === "*/*" || type === "application/json")) return;
  throw unknownTypes(["application/json"]);
}

/** Who takes nothing but protobuf is told what is written; others what Kubernetes would tell them. */
function unacceptable(
  clauses: readonly Clause[],
  written: readonly string[],
  all: readonly string[],
): ApiError {
  const wantsProtobuf = clauses.every(({ type }) => type === PROTOBUF_TYPE);
  const types = (wantsProtobuf ? written : all).join(", ");
  return new ApiError("NotAcceptable", `only the following media types are accepted: ${types}`);
}

/** Throws NotAcceptable for a client that wants the metadata of one object as a list, or of a list as an object. */
export function refuseOtherShape(
  format: Format,
  { isList, goType }: { isList: boolean; goType: string },
): void {
  if (format.as !== "metadata" || format.ofList === isList) return;
  const [wanted, is] = isList
    ? ["PartialObjectMetadata", "is a list"]
    : ["PartialObjectMetadataList", "is not a list"];
  throw new ApiError(
    "NotAcceptable",
    `you requested ${wanted}, but the requested object ${is} (${goType})`,
  );
}

/** One `type/subtype;parameter=value` of an Accept header. */
export interface Clause {
  type: string;
  parameters: ReadonlyMap<string, string>;
}

/**
 * The clauses of an Accept header, the preferred first. An empty header accepts everything. A quality of zero refuses
 * nothing: as in Kubernetes it is the last choice.
 */
export function clausesOf(accept: string | undefined): readonly Clause[] {
  if (!accept?.trim()) return [{ type: "*/*", parameters: new Map() }];
  const clauses = accept.split(",", CLAUSES_MAX).map(parseClause);
  return clauses
    .map((clause, order) => ({ clause, order, quality: qualityOf(clause) }))
    .sort((a, b) => b.quality - a.quality || breadth(a) - breadth(b) || a.order - b.order)
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

/** Of equal quality the wildcards come last. */
function breadth({ clause: { type } }: { clause: Clause }): number {
  return type === "*/*" ? 2 : type.endsWith("/*") ? 1 : 0;
}

function qualityOf({ parameters }: Clause): number {
  const quality = Number(parameters.get("q") ?? 1);
  return Number.isNaN(quality) ? 1 : quality;
}

function formatOf({ type, parameters }: Clause): Format | undefined {
  const isYaml = type === YAML_TYPE;
  if (!isYaml && type !== "application/json" && type !== "*/*" && type !== "application/*") {
    return undefined;
  }
  const yaml = isYaml ? { yaml: true } as const : {};
  const as = parameters.get("as");
  if (as === undefined) return { as: "object", ...yaml };
  const version = parameters.get("v");
  if (parameters.get("g") !== "meta.k8s.io" || (version !== "v1" && version !== "v1beta1")) {
    return undefined;
  }
  if (as === "Table") return { as: "table", version, ...yaml };
  if (as === "PartialObjectMetadata" || as === "PartialObjectMetadataList") {
    return { as: "metadata", version, ofList: as.endsWith("List"), ...yaml };
  }
  return undefined;
}
