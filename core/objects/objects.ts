import type { DeleteOptions, ObjectName } from "../client/client.ts";
import type { Clock } from "../lib/clock.ts";
import type { Random } from "../lib/random.ts";
import { type AnyResource, groupResourceOf, type KubeObject } from "../resources/resource.ts";
import type { Catalog } from "../resources/catalog.ts";
import type { ClusterSettings } from "../resources/admission.ts";
import type { Entry, Key, Store } from "../store/store.ts";
import { formatIpv4, type Ipv4Range } from "../lib/addresses/ipv4.ts";
import { attributesOf, type Operation } from "./admission/admission_attributes.ts";
import { admissionChecks, admissionRules } from "./admission/mod.ts";
import type { EventLimit } from "./admission/plugins/event_rate_limit.ts";
import type { OptionalPlugin } from "./admission/optional_plugins.ts";
import { PolicyAdmission } from "./admission/policies/policy_admission.ts";
import type { WebhookAdmission } from "./admission/webhooks/webhook_admission.ts";
import {
  admittedAfterReview,
  readmitted,
  type Review,
  reviewedChange,
  reviewOfDeletion,
  subresourceOf,
  type Unchanged,
} from "./reviewed_writes.ts";
import {
  admitChange,
  type AdmitContext,
  admitNew,
  type AdmitOptions,
  type Scope,
} from "./admit.ts";
import { type Answered, askAbout, type AskedRequest } from "./asked_requests.ts";
import { onceAccountIsThere } from "./admission/service_accounts.ts";
import { Commits, unchecked } from "./commits.ts";
import { ConversionWebhooks } from "./conversion/conversion_webhooks.ts";
import { serviceRange } from "./service_range.ts";
import { deletionOf } from "./deletion.ts";
import { timestamp } from "../lib/timestamp.ts";
import { type Patch, patcherFor } from "./patch/patch.ts";
import { patchRefusal } from "./patch/patch_refusals.ts";
import { alreadyExists, conflict, forbidden, notFound } from "../client/refusals.ts";
import { isRefusal } from "../client/api_error.ts";
import { inNamespace, isNameMadeUp, keyOf, withNameOf } from "./placement.ts";
import { type Apply, type Proposal, proposalBy } from "./server_side_apply.ts";
import type { WriteOptions, Written } from "../client/write_options.ts";

export interface ObjectsOptions {
  store: Store;
  clock: Clock;
  random: Random;
  /** Where the addresses of Services come from. Default: `10.96.0.0/16`. */
  serviceCidr?: string;
  /** Admission plugins that are off by default. */
  enabledPlugins?: readonly OptionalPlugin[];
  /** How many Events are taken; absent: any number. */
  eventLimits?: readonly EventLimit[];
  /** What kinds there are; absent: it is not known. */
  catalog?: Catalog;
  /** Whether pods need service accounts: where there are controllers that make these. Default: no. */
  hasAccounts?: boolean;
}

/** How often a write is decided again because others wrote while webhooks were asked. As in Kubernetes. */
const REVIEW_TRIES_MAX = 5;
/** How often a name is made up before the server gives up. As in Kubernetes. */
const GENERATED_NAME_TRIES_MAX = 8;

/**
 * The verbs: how objects are read and written, whoever asks.
 *
 * A write reads the newest version, decides and commits in one turn, so it never meets a conflict of its own
 * making; only a client that says which version it has seen can be refused for it. Every method throws an
 * ApiError for a refusal; what it resolves with is durable.
 */
export class Objects implements ClusterSettings {
  readonly store: Store;
  readonly clock: Clock;
  /** Address of the Service `kubernetes` in `default`: the first that Services may have. */
  readonly apiServiceAddress: string;
  /** Where the addresses of Services come from. */
  readonly serviceRange: Ipv4Range;
  readonly #context: AdmitContext;
  readonly #commits: Commits;
  #webhooks: WebhookAdmission | undefined;
  readonly kinds: ClusterSettings["kinds"];
  /** Policies in CEL that decide about writes. */
  readonly policies: PolicyAdmission;
  /** How custom resources get into other versions. */
  readonly conversions = new ConversionWebhooks();

  constructor(options: ObjectsOptions) {
    const { store, clock, random, serviceCidr = "10.96.0.0/16", catalog } = options;
    this.store = store;
    this.kinds = () => catalog?.all ?? [];
    this.clock = clock;
    this.#commits = new Commits(store, this.conversions);
    this.serviceRange = serviceRange(serviceCidr);
    this.apiServiceAddress = formatIpv4(this.serviceRange.first + 1);
    const rules = admissionRules({ hasAccounts: false, ...options, settings: this });
    this.policies = new PolicyAdmission({ store, kinds: () => catalog?.all ?? [] });
    const { policies } = this;
    const { enabledPlugins: enabled = [], eventLimits = [] } = options;
    const checks = admissionChecks({ store, clock, policies, enabled, eventLimits });
    this.#context = { store, clock, random, rules, checks };
  }

  /** From now on, webhooks are asked about writes. */
  askWebhooks(webhooks: WebhookAdmission): void {
    this.#webhooks = webhooks;
  }

  /** Throws NotFound. */
  get(resource: AnyResource, name: ObjectName): Entry {
    const entry = this.store.get(keyOf(resource, name));
    if (!entry) throw notFound(resource, name.name);
    return entry;
  }

  /** All of a kind, or of one namespace, ordered by namespace and name. */
  list(resource: AnyResource, namespace?: string): readonly Entry[] {
    const prefix = groupResourceOf(resource);
    return this.store.list(namespace === undefined ? [prefix] : [prefix, namespace]);
  }

  /** `namespace`: where it is to be; without it, where the draft says. */
  create(
    resource: AnyResource,
    draft: unknown,
    options: WriteOptions & { namespace?: string } = {},
  ): Promise<Written> {
    const write = () => this.#create(resource, draft, options);
    return onceAccountIsThere(this.clock, () => this.#commits.decided(write));
  }

  async #create(
    resource: AnyResource,
    draft: unknown,
    options: AdmitOptions & { namespace?: string },
  ): Promise<Written> {
    const placed = inNamespace(resource, draft, options.namespace);
    const review = this.#reviewOf("CREATE", resource, options);
    for (let tries = 1;; tries++) {
      const admitted = review
        ? await admittedAfterReview(review, placed)
        : admitNew(this.#context, resource, placed, options);
      const key = keyOf(resource, admitted.object.metadata);
      const existing = this.store.newest(key);
      if (!existing) return await this.#commits.store(resource, key, admitted, undefined, options);
      admitted.release();
      if (!isNameMadeUp(placed) || tries === GENERATED_NAME_TRIES_MAX) {
        throw alreadyExists(resource, existing.object);
      }
    }
  }

  /** Replaces all but the status; with `scope: "status"`, the status alone. */
  update(
    resource: AnyResource,
    name: ObjectName,
    draft: unknown,
    options: WriteOptions & { scope?: Scope } = {},
  ): Promise<Written> {
    return this.change(resource, name, () => withNameOf(resource, draft, name), options);
  }

  /** Applies a patch to what is stored now. */
  async patch(
    resource: AnyResource,
    name: ObjectName,
    patch: Patch,
    options: WriteOptions & { scope?: Scope } = {},
  ): Promise<Written> {
    const { served } = options;
    const apply = patcherFor(patch, (served ?? resource).schema);
    let made: unknown;
    const named = (current: KubeObject) => {
      made = apply(served ? served.fromStored(current) : current);
      return withNameOf(resource, made, name);
    };
    const refuseStrictly = (why: string) => {
      throw patchRefusal(patch, made, why);
    };
    return await this.change(resource, name, named, { ...options, refuseStrictly });
  }

  /**
   * Server-side apply: merges what is sent into what is stored now, or creates it, and keeps account of who manages which
   * fields. `options.fieldManager` says who applies, and `sent` is in the version of the request.
   */
  apply(
    resource: AnyResource,
    name: ObjectName,
    apply: Apply,
    options: WriteOptions & { scope?: Scope } = {},
  ): Promise<Written> {
    const scope = options.scope ?? "main";
    const target = { resource, name, now: timestamp(this.clock.now()) };
    const write = { ...options, scope };
    if (apply.next || apply.mustExist || this.store.newest(keyOf(resource, name))) {
      const proposalOf = (current: KubeObject) => proposalBy(apply, target, current, write);
      return this.#change(resource, name, proposalOf, write);
    }
    return this.#commits.decided(() => {
      const { draft, applied } = proposalBy(apply, target, undefined, write);
      const place = name.namespace === undefined ? {} : { namespace: name.namespace };
      return this.#create(resource, draft, { ...options, ...place, ...(applied && { applied }) });
    });
  }

  /** Stores what `draftOf` makes of the current object: the way of all changes. It must not change its argument. */
  change(
    resource: AnyResource,
    name: ObjectName,
    draftOf: (current: KubeObject) => unknown,
    options: WriteOptions & { scope?: Scope } = {},
  ): Promise<Written> {
    const scope = options.scope ?? "main";
    const proposalOf = (current: KubeObject) => ({ draft: draftOf(current) });
    return this.#change(resource, name, proposalOf, { ...options, scope });
  }

  #change(
    resource: AnyResource,
    name: ObjectName,
    proposalOf: (current: KubeObject) => Proposal,
    options: WriteOptions & { scope: Scope },
  ): Promise<Written> {
    const { scope } = options;
    const review = this.#reviewOf("UPDATE", resource, options, subresourceOf(options, scope));
    if (review) return this.#changeReviewed({ ...review, scope }, name, proposalOf);
    return this.#onNewest(resource, name, (key, previous) => {
      const { draft, applied } = proposalOf(previous.object);
      const write = applied ? { ...options, applied } : options;
      const admitted = admitChange(this.#context, resource, draft, previous.object, write);
      return this.#commits.store(resource, key, admitted, previous, options);
    });
  }

  /**
   * Stores what `next` makes of the current object, unchecked: for writes that the server itself makes up.
   * Resolves as {@linkcode Objects.change} does.
   */
  amend(
    resource: AnyResource,
    name: ObjectName,
    next: (current: KubeObject) => KubeObject,
    options: WriteOptions = {},
  ): Promise<Written> {
    return this.#onNewest(resource, name, (key, previous) => {
      const object = unchecked(next(previous.object));
      return this.#commits.store(resource, key, object, previous, options);
    });
  }

  /** `removed`: it is gone. `changed`: it is marked, and goes when its grace is over and its finalizers are gone. */
  delete(
    resource: AnyResource,
    name: ObjectName,
    deletion: DeleteOptions = {},
    options: WriteOptions = {},
  ): Promise<Written> {
    const review = options.isAdmitted ? undefined : this.#reviewOf("DELETE", resource, options);
    if (!review) return this.#delete(resource, name, deletion, options);
    return this.#onNewest(resource, name, async (_, newest) => {
      const warnings = await reviewOfDeletion(review, deleted(newest.object));
      const written = await this.#delete(resource, name, deletion, options);
      return { ...written, warnings: [...warnings, ...written.warnings] };
    });
  }

  #delete(
    resource: AnyResource,
    name: ObjectName,
    deletion: DeleteOptions,
    options: WriteOptions,
  ): Promise<Written> {
    return this.#onNewest(resource, name, (key, previous) => {
      const fault = resource.deletionFault?.(previous.object);
      if (fault !== undefined) throw forbidden(resource, name.name, fault);
      const warnings = this.#askPolicies(resource, deleted(previous.object), options);
      const decided = deletionOf(resource, previous.object, deletion, this.#context.clock.now());
      if (decided === "remove") return this.#commits.remove(key, previous, warnings, options);
      const object = decided === "nothing" ? previous.object : decided.next;
      const marked = { ...unchecked(object), warnings };
      return this.#commits.store(resource, key, marked, previous, options);
    });
  }

  /** Deletes each object that matches; resolves when all are removed or marked. */
  async deleteCollection(
    resource: AnyResource,
    namespace: string | undefined,
    matches: (object: KubeObject) => boolean,
    deletion: DeleteOptions = {},
    options: WriteOptions = {},
  ): Promise<readonly Written[]> {
    const entries = this.list(resource, namespace).filter(({ object }) => matches(object));
    const deleted = await Promise.all(entries.map(async ({ object }) => {
      try {
        return await this.delete(resource, object.metadata, deletion, options);
      } catch (error) {
        if (isRefusal(error, "NotFound")) return undefined;
        throw error;
      }
    }));
    return deleted.filter((written) => written !== undefined);
  }

  /**
   * Asks policies and webhooks about a request to a subresource, such as `exec`. Resolves with what they leave of its
   * object, and warnings for the client. Throws an ApiError for a refusal.
   */
  ask(request: AskedRequest, options: WriteOptions): Promise<Answered> {
    return askAbout({ policies: this.policies, webhooks: this.#webhooks }, request, options);
  }

  /** Asks policies about a deletion; returns warnings. Throws an ApiError for a refusal. */
  #askPolicies(
    resource: AnyResource,
    { name: { name, namespace = "" }, ...objects }: Unchanged,
    options: WriteOptions,
  ): string[] {
    const warnings: string[] = [];
    const operation = "DELETE";
    if (options.isAdmitted) return warnings;
    if (!this.policies.concerns({ operation, resource, subresource: "" })) return warnings;
    const attributes = attributesOf(operation, resource, options, { name, namespace });
    this.policies.validate(attributes, objects, warnings);
    return warnings;
  }

  /** What webhooks are asked with; `undefined` when none wants to know of the write. */
  #reviewOf(
    operation: Operation,
    resource: AnyResource,
    options: WriteOptions,
    subresource = "",
  ): Review | undefined {
    const webhooks = this.#webhooks;
    return webhooks?.concerns({ operation, resource, subresource })
      ? { webhooks, context: this.#context, resource, options }
      : undefined;
  }

  /** As {@linkcode Objects.change}, with webhooks in between: what others write meanwhile has it decided again. */
  #changeReviewed(
    review: Review & { scope: Scope },
    name: ObjectName,
    proposalOf: (current: KubeObject) => Proposal,
  ): Promise<Written> {
    const { resource } = review;
    return this.#onNewest(resource, name, async (key, newest) => {
      let previous = newest;
      for (let tries = 1;; tries++) {
        const { draft: proposed, applied: given } = proposalOf(previous.object);
        const asked = given
          ? { ...review, options: { ...review.options, applied: given } }
          : review;
        const { draft, warnings } = await reviewedChange(asked, proposed, previous.object);
        const current = this.store.newest(key);
        if (!current) throw notFound(resource, name.name);
        if (current.revision === previous.revision) {
          const admitted = readmitted(review, { draft, warnings }, current.object);
          return await this.#commits.store(resource, key, admitted, current, review.options);
        }
        if (tries === REVIEW_TRIES_MAX) throw conflict(resource, name.name);
        previous = current;
      }
    });
  }

  /** Decides on the newest version, and commits in the same turn. Refuses when there is none. */
  #onNewest(
    resource: AnyResource,
    name: ObjectName,
    act: (key: Key, newest: Entry) => Promise<Written>,
  ): Promise<Written> {
    return this.#commits.decided(async () => {
      const key = keyOf(resource, name);
      const newest = this.store.newest(key);
      if (!newest) throw notFound(resource, name.name);
      return await act(key, newest);
    });
  }
}

/** What is asked about an object that is to go. */
function deleted(old: KubeObject): Unchanged {
  return { name: old.metadata, object: undefined, old };
}
