import { badRequest, notFound } from "../../client/refusals.ts";
import { isJsonObject, objectIn } from "../../lib/json/json_value.ts";
import { writeSubresource } from "../../objects/subresource_writes.ts";
import { subresourceOf } from "../../objects/subresources/mod.ts";
import { groupResourceOf, type KubeObject, type MadeUpFacts } from "../../resources/resource.ts";
import type { Entry } from "../../store/store.ts";
import { includeObjectOf } from "../discovery/table.ts";
import { formatFor } from "../http/accept.ts";
import { sendAsAccepted } from "../http/answer.ts";
import { succeeded } from "../http/status.ts";
import { sendList } from "../watch/list.ts";
import { listOptions } from "../watch/list_options.ts";
import { selectionOf } from "../watch/selection.ts";
import { matchesAll } from "../watch/watch_lines.ts";
import { methodNotAllowed, type ObjectRequest, sendObject, warn } from "./request.ts";
import { writeOptions } from "./write_query.ts";

const encoder = new TextEncoder();

/** Answers a get or a list of a kind whose objects are made when somebody asks. */
export async function answerMadeUp(request: ObjectRequest, facts: MadeUpFacts): Promise<Response> {
  const { c, path, kind, clock, keptLists } = request;
  const made: readonly KubeObject[] = await kind.resource.madeUp!(facts);
  const entries = made
    .filter(({ metadata }) => (path.namespace ?? metadata.namespace) === metadata.namespace)
    .map((object): Entry => ({
      key: [groupResourceOf(kind.resource), object.metadata.namespace ?? "", object.metadata.name],
      revision: 0,
      object,
      bytes: encoder.encode(JSON.stringify(object)),
    }));
  if (path.name !== undefined) {
    const entry = entries.find(({ object }: Entry) => object.metadata.name === path.name);
    if (!entry) throw notFound(kind.resource, path.name);
    return sendObject(request, 200, entry);
  }
  const options = listOptions((name) => c.req.query(name));
  if (options.watch || path.isWatch) throw methodNotAllowed();
  const { matches = matchesAll } = selectionOf(kind, options);
  const page = {
    entries: entries.filter(({ object }: Entry) => matches(object)),
    revision: 0,
    continueToken: undefined,
    remaining: undefined,
  };
  const format = formatFor(c.req.header("accept"));
  const include = includeObjectOf(c.req.query("includeObject"));
  return sendList(c, kind, page, { format, include, nowMs: clock.now(), kept: keptLists });
}

/** Creates an object of a kind that is never stored: writes a subresource of the one that it is about. */
export async function createElsewhere(request: ObjectRequest, draft: unknown): Promise<Response> {
  const { c, path, kind, objects } = request;
  const { resource, subresource: wanted } = kind.resource.createdAs!;
  const subresource = subresourceOf(resource, wanted);
  if (!subresource || path.namespace === undefined) throw methodNotAllowed();
  const name = { name: nameIn(draft), namespace: path.namespace };
  const options = writeOptions(c, kind);
  const asked = { resource: kind.resource, subresource: "" } as const;
  const target = { resource, name, subresource, asked };
  warn(c, (await writeSubresource(objects, target, draft, options)).warnings);
  return sendAsAccepted(c, 201, succeeded(201));
}

function nameIn(draft: unknown): string {
  const { name } = isJsonObject(draft) ? objectIn(draft, "metadata") : {};
  if (typeof name === "string" && name !== "") return name;
  throw badRequest("name must be provided");
}
