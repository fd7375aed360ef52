import { apiErrorOf, isRefusal } from "../../../core/client/api_error.ts";
import { HttpsTransport } from "../../../core/client/https_transport.ts";
import type { ApiRequest } from "../../../core/client/server_link.ts";
import { CommandError } from "../../../server/command_error.ts";
import type { Access } from "../../../server/kubeconfig.ts";
import { VERSION } from "../../../server/version.ts";
import type { AnyObject } from "./objects.ts";

/** Where the objects of a kind are, relative to their namespace. */
export interface Place {
  root: string;
  plural: string;
}

const ARGO = "/apis/argoproj.io/v1alpha1";

export const ROLLOUTS: Place = { root: ARGO, plural: "rollouts" };
export const EXPERIMENTS: Place = { root: ARGO, plural: "experiments" };
export const ANALYSIS_RUNS: Place = { root: ARGO, plural: "analysisruns" };
export const ANALYSIS_TEMPLATES: Place = { root: ARGO, plural: "analysistemplates" };
export const CLUSTER_ANALYSIS_TEMPLATES: Place = { root: ARGO, plural: "clusteranalysistemplates" };
export const REVISIONS: Place = { root: "/apis/apps/v1", plural: "controllerrevisions" };
export const REPLICA_SETS: Place = { root: "/apis/apps/v1", plural: "replicasets" };
export const DEPLOYMENTS: Place = { root: "/apis/apps/v1", plural: "deployments" };
export const POD_TEMPLATES: Place = { root: "/api/v1", plural: "podtemplates" };
export const PODS: Place = { root: "/api/v1", plural: "pods" };

const MERGE_PATCH = "application/merge-patch+json";
const JSON_PATCH = "application/json-patch+json";

export interface ObjectListing<T> {
  metadata: { resourceVersion: string };
  items: T[];
}

/**
 * One namespace of a cluster, over its API: Coracle's, or any Kubernetes that Argo Rollouts is installed on. Refusals
 * come as `ApiError`, a server that does not answer as {@linkcode CommandError}.
 */
export class Cluster implements Disposable {
  readonly #access: Access;
  readonly #https: HttpsTransport;
  readonly #signal: AbortSignal;

  constructor(access: Access, readonly namespace: string, signal: AbortSignal) {
    this.#access = access;
    this.#https = new HttpsTransport({ ...access, userAgent: `coracle-rollout/${VERSION}` });
    this.#signal = signal;
  }

  [Symbol.dispose](): void {
    this.#https.close();
  }

  get<T extends AnyObject>(place: Place, name: string): Promise<T> {
    return this.#ask({ method: "GET", path: this.pathOf(place, name) });
  }

  /** `undefined` when there is none of this name. */
  async find<T extends AnyObject>(place: Place, name: string): Promise<T | undefined> {
    try {
      return await this.get<T>(place, name);
    } catch (error) {
      if (isRefusal(error, "NotFound")) return undefined;
      throw error;
    }
  }

  /** `selector`: by labels, as kubectl writes it. */
  list<T extends AnyObject>(
    place: Place,
    { selector, everywhere }: { selector?: string; everywhere?: boolean } = {},
  ): Promise<ObjectListing<T>> {
    const path = everywhere ? `${place.root}/${place.plural}` : this.pathOf(place);
    const query = selector ? `?${new URLSearchParams({ labelSelector: selector })}` : "";
    return this.#ask({ method: "GET", path: path + query });
  }

  create<T extends AnyObject>(place: Place, draft: object): Promise<T> {
    return this.#ask({ method: "POST", path: this.pathOf(place), body: JSON.stringify(draft) });
  }

  replace<T extends AnyObject>(place: Place, object: T): Promise<T> {
    const path = this.pathOf(place, object.metadata.name);
    return this.#ask({ method: "PUT", path, body: JSON.stringify(object) });
  }

  /** A merge patch, RFC 7386, of the object or of a subresource. */
  merge<T extends AnyObject>(
    place: Place,
    name: string,
    patch: object,
    subresource = "",
  ): Promise<T> {
    const path = this.pathOf(place, name) + subresource;
    const body = JSON.stringify(patch);
    return this.#ask({ method: "PATCH", path, body, contentType: MERGE_PATCH });
  }

  /** A JSON patch, RFC 6902. */
  patch<T extends AnyObject>(place: Place, name: string, operations: object[]): Promise<T> {
    const path = this.pathOf(place, name);
    const body = JSON.stringify(operations);
    return this.#ask({ method: "PATCH", path, body, contentType: JSON_PATCH });
  }

  /** An answer that goes on: the body of a watch. */
  async open(path: string, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
    const answer = await this.#send({ method: "GET", path, signal });
    if (answer.ok && answer.body) return answer.body;
    throw apiErrorOf(await answer.json()) ?? new CommandError(`Cannot watch "${path}"`);
  }

  /** What is no object of the API; `undefined` when it is not there, or not for this user. */
  async text(path: string): Promise<string | undefined> {
    const answer = await this.#send({ method: "GET", path, signal: this.#signal });
    const text = await answer.text();
    return answer.ok ? text : undefined;
  }

  pathOf({ root, plural }: Place, name?: string): string {
    const collection = plural === CLUSTER_ANALYSIS_TEMPLATES.plural
      ? `${root}/${plural}`
      : `${root}/namespaces/${encodeURIComponent(this.namespace)}/${plural}`;
    return name === undefined ? collection : `${collection}/${encodeURIComponent(name)}`;
  }

  async #ask<T>(request: Omit<ApiRequest, "signal">): Promise<T> {
    const answer = await this.#send({ ...request, signal: this.#signal });
    const text = await answer.text();
    if (answer.ok) return JSON.parse(text) as T; // of the kind that was asked for
    throw refusalIn(text) ??
      new CommandError(
        `${this.#access.server} answered ${answer.status}, which is not an answer of the API`,
      );
  }

  async #send(request: ApiRequest): Promise<Response> {
    try {
      return await this.#https.send(request);
    } catch (error) {
      if (request.signal.aborted || !(error instanceof TypeError)) throw error;
      throw new CommandError(
        `Cannot reach the server at ${this.#access.server}: ${error.message}; is "coracle server" running?`,
      );
    }
  }
}

function refusalIn(text: string): Error | undefined {
  try {
    return apiErrorOf(JSON.parse(text));
  } catch {
    return undefined; // not JSON: not an answer of the API
  }
}
