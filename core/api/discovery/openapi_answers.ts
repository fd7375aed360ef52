import { sendBytes } from "../http/answer.ts";
import type { ApiContext } from "../http/api_context.ts";
import { type Openapi, OPENAPI_V2_TYPE, type OpenapiDocument, unzipped } from "./openapi.ts";

/** JSON, or protobuf for those who ask for it. */
export async function sendOpenapiV2(c: ApiContext, openapi: Openapi): Promise<Response> {
  const wantsProtobuf = /proto-openapi\.spec\.v2/.test(c.req.header("accept") ?? "");
  return wantsProtobuf
    ? sendOpenapiDocument(c, await openapi.v2Protobuf(), OPENAPI_V2_TYPE)
    : sendOpenapiDocument(c, await openapi.v2());
}

/** Answers with the document of one group and version. */
export async function sendOpenapi(c: ApiContext, openapi: Openapi): Promise<Response> {
  const path = new URL(c.req.url).pathname.slice("/openapi/v3/".length);
  return sendOpenapiDocument(c, await openapi.document(path));
}

function sendOpenapiDocument(
  c: ApiContext,
  document: OpenapiDocument,
  type = "application/json",
): Response {
  const headers = { etag: `"${document.hash}"`, vary: "Accept, Accept-Encoding" };
  if (c.req.header("if-none-match") === headers.etag) {
    return new Response(null, { status: 304, headers });
  }
  const takesGzip = /\bgzip\b/.test(c.req.header("accept-encoding") ?? "");
  return takesGzip
    ? sendBytes(c, 200, type, document.gzip, {
      ...headers,
      "content-encoding": "gzip",
    })
    : sendBytes(c, 200, type, unzipped(document), headers);
}
