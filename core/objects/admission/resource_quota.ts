import type { Clock } from "../../lib/clock.ts";
import type { Pod } from "../../resources/core/pods/pods.ts";
import type { ResourceQuota } from "../../resources/core/quotas/resource_quotas.ts";
import { groupResourceOf, type KubeObject } from "../../resources/resource.ts";
import { type OpenAccount, QuotaAccounts, type QuotaSource } from "../../quota/accounts.ts";
import { type Amounts, amountsText, growthOf, plus } from "../../quota/amounts.ts";
import { missingDemands } from "../../quota/usage.ts";
import type { Store } from "../../store/store.ts";
import { forbidden } from "../../client/refusals.ts";
import type { AdmissionCheck, AdmissionRequest } from "./admission_rule.ts";

/** Kinds that no quota counts. */
const IGNORED = new Set(["events", "events.events.k8s.io"]);
/** Kinds of which a change can use more; all others count at their creation only. */
const MAY_GROW = new Set(["pods", "services", "persistentvolumeclaims"]);

/** An account, and what a write would use more of it. */
interface Charge {
  open: OpenAccount;
  more: Amounts;
}

/**
 * Refuses what would use more than a quota of its namespace allows. What writes under way will use counts at once, so
 * writes that come together do not pass where there is room for one.
 *
 * https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#resourcequota
 */
export function resourceQuotaCheck(
  { store, clock }: { store: Store; clock: Pick<Clock, "now"> },
): AdmissionCheck {
  const accounts = new QuotaAccounts(sourceIn(store), clock);
  return (request) => {
    const { resource, next, previous } = request;
    const { namespace, name } = next.metadata;
    if (!resource.namespaced || !namespace) return;
    const kind = groupResourceOf(resource);
    if (previous ? !mayGrow(kind, request, previous) : IGNORED.has(kind)) return;
    const open = accounts.in(namespace);
    if (open.length === 0) return;
    const charges = chargesOf(request, kind, open, clock.now());
    for (const charge of charges) refuseExcess(request, charge);
    for (const { open: { account }, more } of charges) {
      request.atEnd(account.claim(kind, name, more));
    }
  };
}

/** Whether a change counts: of a pod, only one of its size or of the time that it has. */
function mayGrow(
  kind: string,
  { next, options: { subresource } }: AdmissionRequest,
  previous: KubeObject,
): boolean {
  const [spec, before] = [(next as Pod).spec, (previous as Pod).spec];
  if (!MAY_GROW.has(kind) || spec === before) return false; // the status or the metadata
  if (kind !== "pods") return subresource === undefined;
  const hasEnd = ({ activeDeadlineSeconds }: Pod["spec"]) => activeDeadlineSeconds !== undefined;
  return subresource === "resize" || hasEnd(spec) !== hasEnd(before);
}

function chargesOf(
  { resource, next, previous }: AdmissionRequest,
  kind: string,
  accounts: readonly OpenAccount[],
  nowMs: number,
): Charge[] {
  const charges: Charge[] = [];
  for (const open of accounts) {
    const { account, quota } = open;
    const usage = account.usageOf(kind, next, nowMs);
    if (!usage) continue;
    const missing = kind === "pods" &&
      missingDemands(next as Pod, account.namesByKind.get(kind) ?? []);
    if (missing) {
      const why = `failed quota: ${quota.metadata.name}: must specify ${missing}`;
      throw forbidden(resource, next.metadata.name, why);
    }
    const before = previous && account.usageOf(kind, previous, nowMs);
    const more = growthOf(usage, before ?? NOTHING);
    if (more.size > 0) charges.push({ open, more });
  }
  return charges;
}
const NOTHING: Amounts = new Map();

function refuseExcess(
  { resource, next }: AdmissionRequest,
  { open: { quota, account }, more }: Charge,
): void {
  const exceeded = [...more].filter(([name, amount]) =>
    plus(account.used(name), amount).nanos > account.hard(name).nanos
  );
  if (exceeded.length === 0) return;
  const names = exceeded.map(([name]) => name);
  throw forbidden(
    resource,
    next.metadata.name,
    `exceeded quota: ${quota.metadata.name}, requested: ${amountsText(exceeded)}, used: ${
      amountsText(names.map((name) => [name, account.used(name)]))
    }, limited: ${amountsText(names.map((name) => [name, account.hard(name)]))}`,
  );
}

function sourceIn(store: Store): QuotaSource {
  return {
    quotasIn: (namespace) => {
      const entries = store.list(["resourcequotas", namespace]);
      return entries.length === 0 ? NONE : entries.map(({ object }) => object as ResourceQuota);
    },
    *objectsIn(kind, namespace) {
      for (const entry of store.list([kind, namespace])) yield countedFrom(entry);
    },
    follow: (kind, listener) =>
      store.subscribe([kind], ({ type, entry }) => {
        listener(entry.key[1], countedFrom(entry), type === "DELETED");
      }),
  };
}
const NONE: readonly ResourceQuota[] = [];

/** Its object is parsed only when it is looked at. */
function countedFrom(entry: ReturnType<Store["list"]>[number]) {
  return {
    name: entry.key[2],
    get object() {
      return entry.object;
    },
  };
}
