import type { View } from "../../core/client/client.ts";
import { endpointSlices } from "../../core/resources/discovery/endpoint_slices.ts";
import { httpRoutes } from "../../core/resources/gateway/http_routes.ts";
import { ingresses } from "../../core/resources/networking/ingresses.ts";
import { services } from "../../core/resources/core/services/services.ts";
import type { AnyResource } from "../../core/resources/resource.ts";
import type { TrafficReport } from "../../core/traffic/served_traffic.ts";

/** The kinds of which a proxy says which version it serves. */
const SERVED: readonly AnyResource[] = [services, endpointSlices, httpRoutes, ingresses];

/** What a table was made with: a table that is in use serves it. */
export type TableVersions = Pick<TrafficReport, "changed" | "versions">;

/** How far the objects are of which tables are made. Versions of a kind grow, and a view shows them in order. */
export class TableSources {
  readonly #versions = new Map<string, number>();

  /** What there is to say of a table that is made of the view as it is now. */
  take(view: View): TableVersions {
    const changed = new Set<string>();
    for (const resource of SERVED) {
      const { kind } = resource, before = this.#versions.get(kind) ?? -1;
      let newest = before;
      for (const { metadata: { namespace = "", resourceVersion } } of view.list(resource)) {
        const version = Number(resourceVersion);
        if (version > before) changed.add(namespace);
        newest = Math.max(newest, version);
      }
      if (newest >= 0) this.#versions.set(kind, newest);
    }
    return { versions: Object.fromEntries(this.#versions), changed: [...changed] };
  }
}
