import type { View } from "../../../client/client.ts";
import type { WebhookTransport } from "../../../client/webhooks/webhook_transport.ts";
import { isEqual } from "../../../lib/equality.ts";
import { cloneJson, isJsonObject, type JsonObject } from "../../../lib/json/json_value.ts";
import type { Log } from "../../../lib/log.ts";
import type { Random } from "../../../lib/random.ts";
import { mutatingWebhookConfigurations } from "../../../resources/admissionregistration/mutating_webhook_configurations.ts";
import { validatingWebhookConfigurations } from "../../../resources/admissionregistration/validating_webhook_configurations.ts";
import type {
  MutatingWebhook,
  Webhook,
} from "../../../resources/admissionregistration/webhook_shape.ts";
import { groupResourceOf, type KubeObject } from "../../../resources/resource.ts";
import { check } from "../../../schema/check.ts";
import type { Store } from "../../../store/store.ts";
import { ApiError } from "../../../client/api_error.ts";
import { forbidden } from "../../../client/refusals.ts";
import { jsonPatch } from "../../patch/json_patch.ts";
import type { AdmissionAttributes, AdmissionObjects } from "../admission_attributes.ts";
import { conditionsHold } from "../policies/expression_evaluation.ts";
import type { PolicyAdmission } from "../policies/policy_admission.ts";
import { RequestVariables, seenRequest } from "../policies/request_variables.ts";
import { type GroupVersion, mayMatch, servedIn, shownIn } from "../rule_matching.ts";
import { type Hook, hookOf, versionAskedFor } from "./hook_selection.ts";
import { failedOpenKey, MutationNote } from "./webhook_notes.ts";
import { internalError, WebhookCalls } from "./webhook_calls.ts";

export interface WebhookAdmissionOptions {
  store: Store;
  view: View;
  random: Random;
  log: Log;
  transport: WebhookTransport;
  /** Who answers the expressions of match conditions. */
  policies: Pick<PolicyAdmission, "access">;
}

/**
 * Admission by webhooks: https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/.
 * Follows the configurations in the store.
 */
export class WebhookAdmission {
  readonly #store: Store;
  readonly #calls: WebhookCalls;
  readonly #policies: Pick<PolicyAdmission, "access">;
  readonly #mutating: () => readonly Hook<MutatingWebhook>[];
  readonly #validating: () => readonly Hook[];

  constructor(options: WebhookAdmissionOptions) {
    this.#store = options.store;
    this.#calls = new WebhookCalls(options);
    this.#policies = options.policies;
    this.#mutating = followed(options.store, mutatingWebhookConfigurations);
    this.#validating = followed(options.store, validatingWebhookConfigurations);
  }

  /** Whether a webhook may want to know of the request: most servers have none. */
  concerns(request: Pick<AdmissionAttributes, "resource" | "operation" | "subresource">): boolean {
    const [mutating, validating] = [this.#mutating(), this.#validating()];
    if (mutating.length === 0 && validating.length === 0) return false;
    if (request.resource.group === EXEMPT_GROUP) return false;
    const isMeant = ({ webhook: { rules = [] } }: Hook) =>
      rules.some((rule) => mayMatch(rule, request));
    return mutating.some(isMeant) || validating.some(isMeant);
  }

  /**
   * What the mutating webhooks make of the object, in the stored version; one after the other, and those that want to
   * see later changes once more. Throws an ApiError for a refusal.
   */
  async mutate(
    attributes: AdmissionAttributes,
    objects: AdmissionObjects,
    warnings: string[],
  ): Promise<KubeObject | undefined> {
    const [hooks, first] = [this.#mutating(), new Map<Hook, number>()];
    let { object } = objects;
    let changes = 0;
    for (const round of [0, 1]) {
      for (const [index, hook] of hooks.entries()) {
        const isAgain = first.get(hook);
        if (round === 1 && (isAgain === undefined || isAgain === changes)) continue;
        const note = new MutationNote(attributes, hook, { round, index });
        const before = { ...objects, object };
        const changed = await this.#mutated(hook, attributes, before, { warnings, note });
        if (changed === "not asked") continue;
        if (changed !== object) changes++;
        object = changed;
        if (hook.webhook.reinvocationPolicy === "IfNeeded") first.set(hook, changes);
        else first.delete(hook);
      }
    }
    return object;
  }

  /** Asks all validating webhooks at once. Throws the ApiError of one that refuses. */
  async validate(
    attributes: AdmissionAttributes,
    objects: AdmissionObjects,
    warnings: string[],
  ): Promise<void> {
    await Promise.all(
      this.#validating().map(async (hook, index) => {
        const version = this.#versionFor(hook, attributes, objects);
        if (!version) return;
        const { webhook } = hook;
        const answer = await this.#calls.ask({
          webhook,
          attributes,
          objects,
          version,
          mayPatch: false,
        });
        warnings.push(...answer?.warnings ?? []);
        if (!answer) attributes.annotate?.(failedOpenKey("validating", 0, index), webhook.name);
      }),
    );
  }

  /** The version in which a webhook is to see a request; `undefined` when it is not asked. */
  #versionFor(
    hook: Hook,
    attributes: AdmissionAttributes,
    objects: AdmissionObjects,
  ): GroupVersion | undefined {
    const version = versionAskedFor(hook, attributes, objects, this.#store);
    if (!version || !hook.conditions) return version;
    const request = seenRequest(attributes, objects, version, {
      namespace: undefined,
      access: this.#policies.access,
    });
    const holds = conditionsHold(hook.conditions(), new RequestVariables(request));
    if (typeof holds === "boolean") return holds ? version : undefined;
    if (hook.webhook.failurePolicy === "Ignore") return undefined;
    throw forbidden(attributes.resource, attributes.name, holds.error);
  }

  async #mutated(
    hook: Hook,
    attributes: AdmissionAttributes,
    objects: AdmissionObjects,
    { warnings, note }: { warnings: string[]; note: MutationNote },
  ): Promise<KubeObject | undefined | "not asked"> {
    const version = this.#versionFor(hook, attributes, objects);
    if (!version) return "not asked";
    const { webhook } = hook;
    const { object } = objects;
    const answer = await this.#calls.ask({ webhook, attributes, objects, version, mayPatch: true })
      .catch((error) => {
        note.changed(false);
        throw error;
      });
    warnings.push(...answer?.warnings ?? []);
    if (!answer) note.failedOpen();
    if (!answer || answer.patch.length === 0) {
      note.changed(false);
      return object;
    }
    if (!object) {
      throw internalError(
        `admission webhook ${
          JSON.stringify(webhook.name)
        } attempted to modify the object, which is not supported for this operation`,
      );
    }
    const patched = patchedIn(attributes, object, version, answer.patch);
    note.patched(answer.patch);
    const isChanged = !isEqual(patched, object);
    note.changed(isChanged);
    return isChanged ? patched : object;
  }
}

/** Its configurations decide about all others, and are decided about by none. */
const EXEMPT_GROUP = "admissionregistration.k8s.io";

/** The webhooks of all configurations of a kind, by the names of these; made anew when one has changed. */
function followed<W extends Webhook>(
  store: Store,
  kind: typeof mutatingWebhookConfigurations | typeof validatingWebhookConfigurations,
): () => readonly Hook<W>[] {
  const prefix = [groupResourceOf(kind)] as const;
  let hooks: readonly Hook<W>[] | undefined;
  store.subscribe(prefix, () => hooks = undefined);
  return () =>
    hooks ??= store.list(prefix).flatMap(({ object }) => {
      const { webhooks = [] } = object as KubeObject & { webhooks?: readonly W[] };
      return webhooks.map((webhook) => hookOf(webhook, object.metadata.name));
    });
}

/** An object with a patch of a webhook that sees it in `version`. What the kind does not have is dropped. */
function patchedIn(
  attributes: AdmissionAttributes,
  object: KubeObject,
  version: GroupVersion,
  patch: readonly unknown[],
): KubeObject {
  const served = attributes.body ? undefined : servedIn(attributes, version);
  const shown = shownIn(attributes, version)(object);
  let patched: unknown;
  try {
    patched = jsonPatch(shown, patch);
  } catch (error) {
    if (error instanceof ApiError) throw internalError(error.message);
    throw error;
  }
  const { schema } = attributes.body ?? served ?? attributes.resource;
  const { value, causes } = schema
    ? check(schema, cloneJson(patched as JsonObject))
    : { value: patched, causes: [] };
  const wrong = causes.find(({ reason }) => reason === "FieldValueTypeInvalid");
  if (wrong || !isJsonObject(value)) {
    throw internalError(wrong ? `${wrong.field}: ${wrong.message}` : "the patch leaves no object");
  }
  const stored = served ? served.toStored(value) : value;
  return stored as unknown as KubeObject; // its shape was checked; what is missing is said when it is admitted
}
