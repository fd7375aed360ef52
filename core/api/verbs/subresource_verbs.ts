import { bindPod } from "../../objects/binding.ts";
import { finalizeNamespace } from "../../objects/finalize.ts";
import { patchScale, readScale, scaleOf, updateScale } from "../../objects/scale.ts";
import type { Written } from "../../client/write_options.ts";
import { sendJson } from "../http/answer.ts";
import { notFound } from "../discovery/discovery.ts";
import { objectOf } from "../http/request_body.ts";
import { methodNotAllowed, nameOf, type ObjectRequest, sendObject, warn } from "./request.ts";
import { subresourcesOf } from "../discovery/subresources.ts";
import { answerStatus, patchOf } from "./verbs.ts";
import { writeOptions } from "./write_query.ts";

export type Answer = (request: ObjectRequest) => Response | Promise<Response>;

/** What answers each subresource; the log comes from the node, so whoever knows nodes adds it. */
export const SUBRESOURCE_ANSWERS: Readonly<Record<string, Answer>> = {
  status: answerStatus,
  scale: answerScale,
  binding: answerBinding,
  finalize: answerFinalize,
};

/** Finds what answers the subresource of a path. Throws NotFound for one that the kind does not have. */
export function answerOf(
  { kind, path }: ObjectRequest,
  answers: Readonly<Record<string, Answer>>,
): Answer {
  const { subresource = "" } = path;
  const isKnown = subresourcesOf(kind.resource).includes(subresource) && path.rest.length === 0;
  if (!isKnown || !Object.hasOwn(answers, subresource)) throw notFound();
  return answers[subresource]!;
}

async function answerScale(request: ObjectRequest): Promise<Response> {
  const { c, kind, objects } = request;
  const name = nameOf(request);
  const { resource } = kind;
  const { method } = c.req;
  if (method === "GET" || method === "HEAD") {
    return sendJson(c, 200, readScale(objects, resource, name));
  }
  if (!resource.scale || (method !== "PUT" && method !== "PATCH")) throw methodNotAllowed();
  const options = writeOptions(c, kind);
  const written = method === "PUT"
    ? await updateScale(objects, resource, name, await objectOf(c), options)
    : await patchScale(objects, resource, name, await patchOf(request), options);
  warn(c, written.warnings);
  return sendJson(c, 200, scaleOf(resource.scale, written.object));
}

async function answerBinding(request: ObjectRequest): Promise<Response> {
  const { c, kind, objects } = request;
  if (c.req.method !== "POST") throw methodNotAllowed();
  const options = writeOptions(c, kind);
  await bindPod(objects, nameOf(request), await objectOf(c), options);
  return sendJson(c, 201, {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Success",
    code: 201,
  });
}

async function answerFinalize(request: ObjectRequest): Promise<Response> {
  const { c, kind, objects } = request;
  if (c.req.method !== "PUT") throw methodNotAllowed();
  const options = writeOptions(c, kind);
  const written: Written = await finalizeNamespace(
    objects,
    nameOf(request),
    await objectOf(c),
    options,
  );
  return sendObject(request, 200, written);
}
