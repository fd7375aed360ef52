import type { ObjectName, View } from "../../../core/client/client.ts";
import type { Log } from "../../../core/lib/log.ts";
import { configMaps } from "../../../core/resources/core/config_maps.ts";
import { namespaces } from "../../../core/resources/core/namespaces.ts";
import { services } from "../../../core/resources/core/services/services.ts";
import { endpointSlices } from "../../../core/resources/discovery/endpoint_slices.ts";
import type { AnyResource } from "../../../core/resources/resource.ts";
import { STUB_DOMAINS, stubRoutesOf } from "../upstream/stub_domains.ts";
import { serviceNamesOf } from "../zone/service_names.ts";
import type { NameChanges } from "./messages.ts";

/** The kinds that names are made of. */
export const NAME_SOURCES: readonly AnyResource[] = [
  services,
  endpointSlices,
  namespaces,
  configMaps,
];
const SERVICE_NAME = "kubernetes.io/service-name";

/** What the loop needs of the thread that answers. */
export interface NameUser {
  start(all: () => NameChanges): void;
  change(changes: NameChanges): void;
}

export interface RunDnsOptions {
  view: View;
  dns: NameUser;
  log: Log;
  signal: AbortSignal;
}

/** Keeps the names at what the view says, until the signal aborts: what changes together is told at once, and at once. */
export async function runDns({ view, dns, log, signal }: RunDnsOptions): Promise<void> {
  const names = new Names(view, log);
  const changed = new Changed(() => dns.change(names.changesOf(changed.take())));
  const stops = [
    view.subscribe(services, ({ object }) => changed.mark("services", keyOf(object.metadata))),
    view.subscribe(endpointSlices, ({ object: { metadata: { namespace, labels } } }) => {
      const name = labels?.[SERVICE_NAME];
      if (name !== undefined) changed.mark("services", keyOf({ namespace, name }));
    }),
    view.subscribe(namespaces, ({ object }) => changed.mark("namespaces", object.metadata.name)),
    view.subscribe(configMaps, ({ object: { metadata } }) => {
      if (keyOf(metadata) === keyOf(STUB_DOMAINS)) changed.mark("routes", "");
    }),
  ];
  dns.start(() => names.all());
  const { promise, resolve } = Promise.withResolvers<void>();
  signal.addEventListener("abort", () => resolve(), { once: true });
  if (signal.aborted) resolve();
  await promise;
  for (const stop of stops) stop();
}

type Marks = Record<"services" | "namespaces" | "routes", ReadonlySet<string>>;

/** What has changed since it was last taken; calls back once for all that is marked in one go. */
class Changed {
  readonly #onMarked: () => void;
  #marks: Record<keyof Marks, Set<string>> | undefined;

  constructor(onMarked: () => void) {
    this.#onMarked = onMarked;
  }

  mark(of: keyof Marks, key: string): void {
    if (this.#marks === undefined) {
      this.#marks = { services: new Set(), namespaces: new Set(), routes: new Set() };
      queueMicrotask(this.#onMarked);
    }
    this.#marks[of].add(key);
  }

  take(): Marks {
    const marks = this.#marks!;
    this.#marks = undefined;
    return marks;
  }
}

/** The names that the view knows. */
class Names {
  readonly #view: View;
  readonly #log: Log;
  #problems = "";

  constructor(view: View, log: Log) {
    this.#view = view;
    this.#log = log;
  }

  all(): NameChanges {
    return this.changesOf({
      services: new Set(this.#view.list(services).map(({ metadata }) => keyOf(metadata))),
      namespaces: new Set(this.#view.list(namespaces).map(({ metadata }) => metadata.name)),
      routes: new Set([""]),
    });
  }

  changesOf({ services: keys, namespaces: names, routes }: Marks): NameChanges {
    return {
      services: [...keys].map((key) => [key, this.#serviceAt(key)]),
      namespaces: [...names].map((
        name,
      ) => [name, this.#view.get(namespaces, { name }) !== undefined]),
      ...(routes.size > 0 && { routes: this.#routes() }),
    };
  }

  #serviceAt(key: string) {
    const [namespace, name = ""] = key.split("/");
    const service = this.#view.get(services, { ...(namespace && { namespace }), name });
    return service && serviceNamesOf(service, this.#view.by(endpointSlices, "service", key));
  }

  #routes() {
    const { routes, problems } = stubRoutesOf(this.#view.get(configMaps, STUB_DOMAINS)?.data ?? {});
    const text = problems.join("; ");
    if (text !== "" && text !== this.#problems) {
      this.#log.warn('Cannot use all of ConfigMap "kube-system/kube-dns"', { problems: text });
    }
    this.#problems = text;
    return routes;
  }
}

function keyOf({ namespace, name }: ObjectName): string {
  return `${namespace}/${name}`;
}
