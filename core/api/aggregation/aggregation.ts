import type { Clock } from "../../lib/clock.ts";
import type { RemoteVersion } from "../discovery/remote_version.ts";
import type { ApiContext } from "../http/api_context.ts";
import { type AggregationParts, answerAggregated } from "./aggregated_request.ts";
import { Claims } from "./claims.ts";
import { RemoteDiscovery } from "./remote_discovery.ts";

/**
 * Groups and versions that Services serve: https://kubernetes.io/docs/concepts/extend-kubernetes/api-extension/apiserver-aggregation/
 */
export class Aggregation {
  readonly #claims: Claims;
  readonly #discovery: RemoteDiscovery;
  readonly #parts: AggregationParts;

  constructor(parts: AggregationParts & { clock: Clock }) {
    this.#parts = parts;
    this.#claims = new Claims(parts.objects.store);
    this.#discovery = new RemoteDiscovery(this.#claims, parts);
  }

  /** `undefined`: no Service serves it. */
  answer(
    c: ApiContext,
    { group, version }: { group: string; version: string },
  ): Promise<Response> | undefined {
    const claim = this.#claims.find(group, version);
    return claim && answerAggregated(c, claim, this.#parts);
  }

  /** What the Services say they serve; nothing in most clusters. */
  versions(): Promise<readonly RemoteVersion[]> | undefined {
    return this.#claims.all.length === 0 ? undefined : this.#discovery.versions();
  }
}
