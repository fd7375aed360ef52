import { serviceAccounts } from "../resources/core/service_accounts.ts";
import { apiVersionOf, type KubeObject, type Resource } from "../resources/resource.ts";
import type { Client, DeleteOptions, Draft, ObjectName } from "./client.ts";
import { collectionPath, objectPath } from "./object_path.ts";
import type { TokenSource, TokenSpec } from "./token_source.ts";
import type { ServerTime } from "./server_time.ts";
import type { ServerLink } from "./server_link.ts";

/** Fields that the server does not know are ignored, as in the server's own process. */
const QUERY = "?fieldValidation=Ignore";
const DEFAULT_NAMESPACE = "default";

/**
 * The verbs of the API over a link to its server. A write without an answer rejects with a `LinkError`, and may have been
 * done: it is safe to retry, because creation collides with itself and changes carry their version.
 */
export class HttpClient implements Client, TokenSource {
  readonly #link: ServerLink;
  /** The server's, where it is known. */
  readonly time?: ServerTime;

  constructor(link: ServerLink, time?: ServerTime) {
    this.#link = link;
    if (time) this.time = time;
  }

  async create<T extends KubeObject>(resource: Resource<T>, draft: Draft<T>): Promise<T> {
    const path = collectionPath(resource, draft.metadata.namespace ?? DEFAULT_NAMESPACE);
    const body = { ...draft, apiVersion: apiVersionOf(resource), kind: resource.kind };
    return await this.#link.ask({ method: "POST", path: path + QUERY, body }) as T; // of the kind asked for
  }

  async update<T extends KubeObject>(resource: Resource<T>, object: T): Promise<T> {
    const path = objectPath(resource, object.metadata);
    return await this.#link.ask({ method: "PUT", path: path + QUERY, body: object }) as T;
  }

  async updateStatus<T extends KubeObject>(resource: Resource<T>, object: T): Promise<T> {
    const path = `${objectPath(resource, object.metadata)}/status`;
    return await this.#link.ask({ method: "PUT", path: path + QUERY, body: object }) as T;
  }

  async delete<T extends KubeObject>(
    resource: Resource<T>,
    name: ObjectName,
    options: DeleteOptions = {},
  ): Promise<void> {
    const body = { apiVersion: "v1", kind: "DeleteOptions", ...options };
    await this.#link.ask({ method: "DELETE", path: objectPath(resource, name), body });
  }

  async requestToken(account: ObjectName, spec: TokenSpec): Promise<string> {
    const path = `${objectPath(serviceAccounts, account)}/token`;
    const body = { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec };
    const answer = await this.#link.ask({ method: "POST", path, body });
    return (answer as { status: { token: string } }).status.token; // a TokenRequest, too
  }

  async act<T extends KubeObject>(
    resource: Resource<T>,
    name: ObjectName,
    subresource: string,
    given: object,
  ): Promise<void> {
    const declared = resource.subresources.find((each) => each.name === subresource);
    const of = declared ? declared.body ?? resource : undefined;
    const method = declared?.verbs.includes("create") ? "POST" : "PUT";
    const body = { ...of && { apiVersion: apiVersionOf(of), kind: of.kind }, ...given };
    await this.#link.ask({ method, path: `${objectPath(resource, name)}/${subresource}`, body });
  }
}
