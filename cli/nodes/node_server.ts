import { isRefusal } from "../../core/client/api_error.ts";
import type { ObjectName } from "../../core/client/client.ts";
import type { HttpClient } from "../../core/client/http_client.ts";
import { collectionPath, objectPath } from "../../core/client/object_path.ts";
import { type Clock, SystemClock } from "../../core/lib/clock.ts";
import type { KubeObject, Resource } from "../../core/resources/resource.ts";
import { type AdminLink, atServer } from "../cluster/admin_link.ts";

/** The server of a kubeconfig, for commands about its nodes. Refusals come as `ApiError`. */
export interface NodeServer {
  readonly client: HttpClient;
  /** For waits. */
  readonly clock: Clock;
  /** The server's time, in ms since 1970. */
  nowMs(): number;
  /** For what is no JSON, or takes long. */
  readonly send: AdminLink["send"];
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
  flags: { kubeconfig?: string },
  command: string,
  act: (server: NodeServer) => Promise<T>,
): Promise<T> {
  return await atServer(flags, command, (admin) => act(nodeServer(admin, new SystemClock())));
}

export function nodeServer({ link, client, time, send }: AdminLink, clock: Clock): NodeServer {
  const get = async <T extends KubeObject>(resource: Resource<T>, name: ObjectName) =>
    await link.ask({ method: "GET", path: objectPath(resource, name) }) as T; // of the kind asked for
  return {
    client,
    clock,
    send,
    nowMs: () => time.now(),
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
