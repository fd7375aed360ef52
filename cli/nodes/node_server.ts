import { ApiError, isRefusal } from "../../core/client/api_error.ts";
import type { ObjectName } from "../../core/client/client.ts";
import { HttpClient } from "../../core/client/http_client.ts";
import { HttpsTransport } from "../../core/client/https_transport.ts";
import { LinkError } from "../../core/client/link_error.ts";
import { collectionPath, objectPath } from "../../core/client/object_path.ts";
import { ServerLink } from "../../core/client/server_link.ts";
import { type Clock, SystemClock } from "../../core/lib/clock.ts";
import { silentLog } from "../../core/lib/log.ts";
import type { KubeObject, Resource } from "../../core/resources/resource.ts";
import { CommandError } from "../../server/command_error.ts";
import { accessOf } from "../../server/kubeconfig.ts";
import { VERSION } from "../../server/version.ts";

/** The server of a kubeconfig, for commands about its nodes. Refusals come as `ApiError`. */
export interface NodeServer {
  readonly client: HttpClient;
  readonly clock: Clock;
  /** `query`: without the question mark. */
  list<T extends KubeObject>(
    resource: Resource<T>,
    options?: { namespace?: string; query?: Record<string, string> },
  ): Promise<T[]>;
  get<T extends KubeObject>(resource: Resource<T>, name: ObjectName): Promise<T>;
  /** `undefined`: there is none. */
  find<T extends KubeObject>(resource: Resource<T>, name: ObjectName): Promise<T | undefined>;
  /** Makes all that was issued to a user so far invalid. */
  revoke(user: string): Promise<void>;
}

/** Does something with the server. Errors are worded for the user. */
export async function withNodeServer<T>(
  { kubeconfig }: { kubeconfig?: string },
  act: (server: NodeServer) => Promise<T>,
): Promise<T> {
  const access = await accessOf(kubeconfig);
  using https = new HttpsTransport({ ...access, userAgent: `coracle-node/${VERSION}` });
  const clock = new SystemClock();
  const { server } = access;
  const link = new ServerLink({ transport: https.send, clock, log: silentLog(clock), server });
  try {
    return await act(nodeServer(link, clock));
  } catch (error) {
    if (error instanceof ApiError) throw new CommandError(error.message);
    if (!(error instanceof LinkError)) throw error;
    throw new CommandError(`${error.message}; is "coracle server" running?`);
  }
}

export function nodeServer(link: ServerLink, clock: Clock): NodeServer {
  const get = async <T extends KubeObject>(resource: Resource<T>, name: ObjectName) =>
    await link.ask({ method: "GET", path: objectPath(resource, name) }) as T; // of the kind asked for
  return {
    client: new HttpClient(link),
    clock,
    get,
    async list<T extends KubeObject>(
      resource: Resource<T>,
      { namespace, query = {} }: { namespace?: string; query?: Record<string, string> } = {},
    ) {
      const path = `${collectionPath(resource, namespace)}?${new URLSearchParams(query)}`;
      return (await link.ask({ method: "GET", path }) as { items: T[] }).items;
    },
    async find(resource, name) {
      try {
        return await get(resource, name);
      } catch (error) {
        if (isRefusal(error, "NotFound")) return undefined;
        throw error;
      }
    },
    async revoke(user) {
      await link.ask({ method: "POST", path: "/credentials/revoke", body: { user } });
    },
  };
}
