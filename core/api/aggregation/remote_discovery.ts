import { isJsonObject, type JsonObject } from "../../lib/json/json_value.ts";
import type { Clock } from "../../lib/clock.ts";
import type { ApiService } from "../../resources/apiregistration/api_services.ts";
import type { RemoteVersion } from "../discovery/remote_version.ts";
import { askBackend } from "../../client/http_exchange.ts";
import { type AggregationParts, connected } from "./aggregated_request.ts";
import type { Claims } from "./claims.ts";
import { remoteHeaders } from "./remote_headers.ts";

/** So long a list counts before it is asked for again; kube-aggregator asks as often. */
const FRESH_MS = 60_000;
const ANSWER_MS_MAX = 3000;
const ANSWER_BYTES_MAX = 1024 * 1024;
const RESOURCES_MAX = 1000;
/** As whom kube-aggregator asks. */
const ASKER = { name: "system:kube-aggregator", groups: ["system:masters"] };

interface Known {
  claim: ApiService;
  atMs: number;
  resources: readonly JsonObject[] | undefined;
}

/** What the API servers of others say they serve. */
export class RemoteDiscovery {
  readonly #claims: Claims;
  readonly #parts: AggregationParts & { clock: Clock };
  readonly #known = new Map<string, Known>();

  constructor(claims: Claims, parts: AggregationParts & { clock: Clock }) {
    this.#claims = claims;
    this.#parts = parts;
  }

  /** Of each claim; those that do not answer are stale. Asks when it has not for a minute. */
  async versions(): Promise<readonly RemoteVersion[]> {
    const claims = this.#claims.all;
    for (const name of this.#known.keys()) {
      if (!claims.some(({ metadata }) => metadata.name === name)) this.#known.delete(name);
    }
    return await Promise.all(claims.map((claim) => this.#versionOf(claim)));
  }

  async #versionOf(claim: ApiService): Promise<RemoteVersion> {
    const { metadata: { name }, spec: { group = "", version = "" } } = claim;
    const nowMs = this.#parts.clock.now();
    let known = this.#known.get(name);
    if (!known || known.claim.spec !== claim.spec || isDue(known, nowMs)) {
      const resources = await this.#ask(claim).catch(() => undefined);
      known = { claim, atMs: nowMs, resources };
      this.#known.set(name, known);
    }
    return { group, version, resources: known.resources };
  }

  async #ask(claim: ApiService): Promise<readonly JsonObject[]> {
    const { group, version } = claim.spec;
    const signal = AbortSignal.timeout(ANSWER_MS_MAX);
    const connection = await connected(claim, this.#parts);
    signal.addEventListener("abort", () => connection.destroy(), { once: true });
    try {
      const { message } = await askBackend({
        connection,
        method: "GET",
        path: `/apis/${group}/${version}`,
        headers: { host: "api", accept: "application/json", ...remoteHeaders(ASKER) },
      });
      let text = "";
      for await (const piece of message) {
        text += piece;
        if (text.length > ANSWER_BYTES_MAX) throw new Error("the list is too long");
      }
      const list: unknown = JSON.parse(text);
      const resources = isJsonObject(list) ? list["resources"] : undefined;
      if (message.statusCode !== 200 || !Array.isArray(resources)) throw new Error("no list");
      return resources.slice(0, RESOURCES_MAX).filter(isJsonObject);
    } finally {
      connection.destroy();
    }
  }
}

/** One that did not answer is asked again sooner. */
function isDue({ atMs, resources }: Known, nowMs: number): boolean {
  return nowMs - atMs > (resources ? FRESH_MS : FRESH_MS / 20);
}
