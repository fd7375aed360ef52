import type { Moment } from "../../lib/clock.ts";
import type { View } from "../../client/client.ts";
import { QuotaAccounts, type QuotaSource } from "../../quota/accounts.ts";
import type { Catalog } from "../../resources/catalog.ts";
import {
  isStatusOf,
  type ResourceQuota,
  resourceQuotas,
} from "../../resources/core/quotas/resource_quotas.ts";
import type { KubeObject } from "../../resources/resource.ts";
import {
  earliest,
  type Loop,
  type LoopRun,
  type Plan,
  plan,
  updateStatus,
} from "../runtime/controller.ts";

/**
 * Keeps in the status of each ResourceQuota what is enforced and what is used. It counts a namespace once and then
 * follows the changes, and looks again by itself only when a pod that is being deleted will stop counting.
 *
 * Keys are namespaces. Kubernetes: `pkg/controller/resourcequota`.
 */
export function resourceQuotaController(catalog: Catalog): Loop {
  return {
    name: "resourcequota-controller",
    workers: 2,
    start: (view, add) => new QuotaRun(catalog, view, add),
  };
}

class QuotaRun implements LoopRun {
  readonly #catalog: Catalog;
  readonly #accounts: QuotaAccounts;
  readonly #stops: readonly (() => void)[];
  #nowMs = 0;

  constructor(catalog: Catalog, view: View, add: (key: string) => void) {
    this.#catalog = catalog;
    this.#accounts = new QuotaAccounts(sourceIn(view, catalog), { now: () => this.#nowMs }, add);
    const addAll = () => {
      for (const { metadata } of view.list(resourceQuotas)) add(metadata.namespace);
    };
    this.#stops = [
      view.subscribe(resourceQuotas, ({ object }) => add(object.metadata.namespace)),
      catalog.subscribe(() => {
        this.#accounts.stop(); // what could not be counted may be countable now
        addAll();
      }),
    ];
    addAll();
  }

  reconcile(namespace: string, { nowMs }: Moment): Plan {
    this.#nowMs = nowMs;
    let dueMs: number | undefined;
    const writes = this.#accounts.in(namespace).flatMap(({ quota, account }) => {
      dueMs = earliest(dueMs, account.settle(nowMs));
      const used = account.usedText((kind) => this.#catalog.find(kind)?.namespaced === true);
      return quota.metadata.deletionTimestamp === undefined && !isStatusOf(quota, used)
        ? [updateStatus(resourceQuotas, withStatus(quota, used))]
        : [];
    });
    return plan(writes, dueMs === undefined ? undefined : dueMs - nowMs + 1);
  }

  stop(): void {
    for (const stop of this.#stops) stop();
    this.#accounts.stop();
  }
}

function withStatus(quota: ResourceQuota, used: Record<string, string>): ResourceQuota {
  const { hard } = quota.spec;
  return { ...quota, status: { ...(hard && { hard }), used } };
}

function sourceIn(view: View, catalog: Catalog): QuotaSource {
  const kindOf = (kind: string) => {
    const resource = catalog.find(kind);
    return resource?.namespaced ? resource : undefined;
  };
  return {
    quotasIn: (namespace) => view.list(resourceQuotas, namespace),
    *objectsIn(kind, namespace) {
      const resource = kindOf(kind);
      for (const object of resource ? view.list<KubeObject>(resource, namespace) : []) {
        yield { name: object.metadata.name, object };
      }
    },
    follow: (kind, listener) => {
      const resource = kindOf(kind);
      if (!resource) return () => {};
      return view.subscribe<KubeObject>(resource, ({ type, object }) => {
        const { namespace = "", name } = object.metadata;
        listener(namespace, { name, object }, type === "DELETED");
      });
    },
  };
}
