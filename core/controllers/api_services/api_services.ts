import type { View } from "../../client/client.ts";
import type { Moment } from "../../lib/clock.ts";
import { isEqual } from "../../lib/equality.ts";
import { timestamp } from "../../lib/timestamp.ts";
import {
  type ApiService,
  type ApiServiceCondition,
  apiServices,
} from "../../resources/apiregistration/api_services.ts";
import type { Catalog } from "../../resources/catalog.ts";
import { services } from "../../resources/core/services/services.ts";
import { endpointSlices } from "../../resources/discovery/endpoint_slices.ts";
import {
  create,
  type Loop,
  type LoopRun,
  NOTHING,
  type Plan,
  plan,
  remove,
  updateStatus,
} from "../runtime/controller.ts";
import { serviceBackend } from "../../traffic/service_backends.ts";
import { localApiServices, MANAGED_LABEL, type WantedApiService } from "./local_api_services.ts";

/**
 * Keeps an APIService for each group and version that this server serves, and says of each whether it can be used.
 *
 * Keys are names. Kubernetes: `kube-aggregator/pkg/controllers/autoregister` and `status`.
 */
export function apiServiceController(catalog: Catalog): Loop {
  return {
    name: "apiservice-controller",
    workers: 2,
    start: (view, add) => new ApiServiceRun(catalog, view, add),
  };
}

class ApiServiceRun implements LoopRun {
  readonly #view: View;
  readonly #stops: readonly (() => void)[];
  #wanted: ReadonlyMap<string, WantedApiService> = new Map();

  constructor(catalog: Catalog, view: View, add: (key: string) => void) {
    this.#view = view;
    const addAll = () => {
      this.#wanted = localApiServices(catalog.all);
      for (const name of this.#wanted.keys()) add(name);
      for (const { metadata } of view.list(apiServices)) add(metadata.name);
    };
    const addServedBy = (namespace: string, name: string | undefined) => {
      for (const { metadata, spec: { service } } of view.list(apiServices)) {
        if (service?.namespace === namespace && service.name === name) add(metadata.name);
      }
    };
    this.#stops = [
      catalog.subscribe(addAll),
      view.subscribe(apiServices, ({ object }) => add(object.metadata.name)),
      view.subscribe(
        services,
        ({ object: { metadata } }) => addServedBy(metadata.namespace, metadata.name),
      ),
      view.subscribe(
        endpointSlices,
        ({ object: { metadata } }) =>
          addServedBy(metadata.namespace, metadata.labels?.["kubernetes.io/service-name"]),
      ),
    ];
    addAll();
  }

  reconcile(name: string, { nowMs }: Moment): Plan {
    const current = this.#view.get(apiServices, { name });
    const wanted = this.#wanted.get(name);
    if (!current) return wanted ? plan([create(apiServices, wanted)]) : NOTHING;
    const { deletionTimestamp, labels } = current.metadata;
    if (deletionTimestamp) return NOTHING;
    const isAbandoned = !wanted && !current.spec.service && labels?.[MANAGED_LABEL] !== undefined;
    if (isAbandoned) return plan([remove(apiServices, current)]);
    const next = withAvailability(current, availabilityOf(this.#view, current), nowMs);
    return next ? plan([updateStatus(apiServices, next)]) : NOTHING;
  }

  stop(): void {
    for (const stop of this.#stops) stop();
  }
}

type Availability = Pick<ApiServiceCondition, "status" | "reason" | "message">;

/** Whether requests for it can be answered, in the words of kube-aggregator. */
function availabilityOf(view: View, { spec: { service } }: ApiService): Availability {
  if (!service) {
    return { status: "True", reason: "Local", message: "Local APIServices are always available" };
  }
  const { namespace = "", name = "", port } = service;
  const place = `service/${name} in ${JSON.stringify(namespace)}`;
  const found = view.get(services, { namespace, name });
  if (!found) {
    return { status: "False", reason: "ServiceNotFound", message: `${place} is not present` };
  }
  if (!found.spec.ports?.some((one) => one.port === port)) {
    const message = `${place} is not listening on port ${port}`;
    return { status: "False", reason: "ServicePortError", message };
  }
  if (serviceBackend(view, { namespace, name, port }).state !== "valid") {
    const portName = found.spec.ports.find((one) => one.port === port)!.name ?? "";
    const message = `endpointslices for service/${name} in ${
      JSON.stringify(namespace)
    } have no addresses with port name ${JSON.stringify(portName)}`;
    return { status: "False", reason: "MissingEndpoints", message };
  }
  return { status: "True", reason: "Passed", message: "all checks passed" };
}

/** `undefined`: it says so already. */
function withAvailability(
  current: ApiService,
  availability: Availability,
  nowMs: number,
): ApiService | undefined {
  const { conditions = [] } = current.status;
  const known = conditions.find(({ type }) => type === "Available");
  const lastTransitionTime = known?.status === availability.status
    ? known.lastTransitionTime
    : timestamp(nowMs);
  const condition = {
    type: "Available",
    ...availability,
    lastTransitionTime,
  } as ApiServiceCondition;
  if (isEqual(known, condition)) return undefined;
  const others = conditions.filter((one) => one !== known);
  return { ...current, status: { conditions: [...others, condition] } };
}
