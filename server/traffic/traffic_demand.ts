import type { View } from "../../core/client/client.ts";
import type { AnyResource } from "../../core/resources/resource.ts";
import { pods } from "../../core/resources/core/pods/pods.ts";
import { type Service, services } from "../../core/resources/core/services/services.ts";
import { API_SERVER } from "../../core/traffic/service_backends.ts";
import { gateways } from "../../core/resources/gateway/gateways.ts";
import { ingresses } from "../../core/resources/networking/ingresses.ts";
import { CLUSTER_DNS } from "../../core/traffic/cluster_dns.ts";

/** Any of these is traffic, or may soon have some. */
const SOURCES: readonly AnyResource[] = [pods, gateways, ingresses];

/** Whether there is more to route, or to name, than what every cluster has by itself. */
export function hasTraffic(view: View): boolean {
  return view.list(services).some((service) => !isOwn(service)) ||
    SOURCES.some((source) => view.list(source).length > 0);
}

/**
 * Says when a node has traffic for the first time. An empty server goes without the threads for traffic and names, which
 * would take a third of its start and of its memory.
 */
export class TrafficDemand implements Disposable {
  readonly #there = new AbortController();
  #stops: (() => void)[] = [];

  constructor(view: View) {
    const look = () => hasTraffic(view) && this.raise();
    this.#stops = [services, ...SOURCES].map((source) => view.subscribe(source, look));
    look();
  }

  /** Aborts when there is traffic. */
  get signal(): AbortSignal {
    return this.#there.signal;
  }

  get isThere(): boolean {
    return this.signal.aborted;
  }

  /** Takes it that there is: it does not go away again. */
  raise(): void {
    this[Symbol.dispose]();
    this.#there.abort(new Error("There is traffic"));
  }

  /** Resolves when there is, or `signal` aborts. */
  async wait(signal: AbortSignal): Promise<void> {
    const either = AbortSignal.any([this.signal, signal]);
    if (either.aborted) return;
    await new Promise((resolve) => either.addEventListener("abort", resolve, { once: true }));
  }

  [Symbol.dispose](): void {
    for (const stop of this.#stops.splice(0)) stop();
  }
}

/** The API's own, and that of cluster DNS. */
function isOwn({ metadata }: Service): boolean {
  return [API_SERVER, CLUSTER_DNS].some(({ namespace, name }) =>
    metadata.namespace === namespace && metadata.name === name
  );
}
