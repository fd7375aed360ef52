import type { Duplex } from "node:stream";
import { ApiError } from "../../client/api_error.ts";
import { messageOf } from "../../lib/error_message.ts";
import { LocalClient } from "../../objects/local_client.ts";
import type { Objects } from "../../objects/objects.ts";
import type { ResourceRequest } from "../http/request_info.ts";
import { methodNotAllowed } from "../verbs/request.ts";
import { overTls } from "../../client/http_exchange.ts";
import { podTarget, type ProxyTarget, serviceTarget } from "./proxy_targets.ts";
import type { StreamParts } from "./stream.ts";

const TARGETS = new Map([["pods", podTarget], ["services", serviceTarget]]);

/** A request that is passed on. */
export interface Passed {
  url: URL;
  /** The path of the proxy itself. */
  prefix: string;
  /** What follows it, as it was sent; empty or with a slash in front. */
  rest: string;
}

/** Where the proxy's own path ends: `namespaces` count two segments more. */
export function passedOf(url: URL, { namespace }: ResourceRequest): Passed {
  const segments = url.pathname.split("/");
  const prefix = segments.slice(0, namespace === undefined ? 6 : 8).join("/");
  return { url, prefix, rest: url.pathname.slice(prefix.length) };
}

/** Where a request goes. Throws NotFound, BadRequest and ServiceUnavailable. */
export function targetOf(path: ResourceRequest, objects: Objects, parts: StreamParts): ProxyTarget {
  const { namespace, name: id, resource } = path;
  const find = TARGETS.get(resource);
  if (!find || namespace === undefined || id === undefined) throw methodNotAllowed();
  return find({ namespace, id }, { ...parts, view: new LocalClient(objects) });
}

/** A connection to it. Rejects with ServiceUnavailable. */
export async function reached(target: ProxyTarget): Promise<Duplex> {
  const connection = await target.connect().catch((error) => {
    throw error instanceof ApiError ? error : unreachable(error);
  });
  return target.isTls ? overTls(connection) : connection;
}

/** In the words of apimachinery's proxy. */
export function unreachable(error: unknown): ApiError {
  const why = messageOf(error).replace("dial tcp4", "dial tcp");
  return new ApiError("ServiceUnavailable", `error trying to reach service: ${why}`);
}
