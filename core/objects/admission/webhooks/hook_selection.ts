import { compileConditions } from "../../../resources/admissionregistration/policy_expressions.ts";
import type { Webhook } from "../../../resources/admissionregistration/webhook_shape.ts";
import { type Selector, selectorOf } from "../../../schema/selectors.ts";
import type { Store } from "../../../store/store.ts";
import type { AdmissionAttributes, AdmissionObjects } from "../admission_attributes.ts";
import { isSelected } from "../request_selection.ts";
import { type GroupVersion, matchedVersion } from "../rule_matching.ts";

/** A webhook of a configuration, with its selectors read. */
export interface Hook<W extends Webhook = Webhook> {
  readonly webhook: W;
  readonly configuration: string;
  readonly namespaceSelector: Selector;
  readonly objectSelector: Selector;
  /** Its matchConditions, compiled when they are first needed; absent: it has none. */
  readonly conditions?: () => CompiledConditions;
}

type CompiledConditions = ReturnType<typeof compileConditions>;

export function hookOf<W extends Webhook>(webhook: W, configuration: string): Hook<W> {
  const { matchConditions = [] } = webhook;
  let compiled: CompiledConditions | undefined;
  const conditions = () => compiled ??= compileConditions(matchConditions, { hasParams: false });
  return {
    ...(matchConditions.length > 0 && { conditions }),
    webhook,
    configuration,
    namespaceSelector: selectorOf(webhook.namespaceSelector),
    objectSelector: selectorOf(webhook.objectSelector),
  };
}

/**
 * The version in which a webhook is to see a request; `undefined` when it is not asked at all. What its
 * matchConditions say is not looked at here. k8s.io/apiserver/pkg/admission/plugin/webhook/generic ShouldCallHook
 */
export function versionAskedFor(
  { webhook, namespaceSelector, objectSelector }: Hook,
  attributes: AdmissionAttributes,
  objects: AdmissionObjects,
  store: Store,
): GroupVersion | undefined {
  const version = matchedVersion(webhook.rules ?? [], webhook.matchPolicy, attributes);
  if (!version) return undefined;
  const selectors = { namespaceSelector, objectSelector };
  return isSelected(selectors, attributes, objects, store) ? version : undefined;
}
