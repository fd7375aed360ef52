import { namespaceIn } from "../namespace_lifecycle.ts";
import { namespaces } from "../../../resources/core/namespaces.ts";
import type { Webhook } from "../../../resources/admissionregistration/webhook_shape.ts";
import type { KubeObject } from "../../../resources/resource.ts";
import { matches, selectorOf } from "../../../schema/selectors.ts";
import type { Labels, Selector } from "../../../schema/selectors.ts";
import type { Store } from "../../../store/store.ts";
import type { AdmissionAttributes, AdmissionObjects } from "../admission_attributes.ts";
import { type GroupVersion, matchedVersion } from "../rule_matching.ts";

/** A webhook of a configuration, with its selectors read. */
export interface Hook<W extends Webhook = Webhook> {
  readonly webhook: W;
  readonly configuration: string;
  readonly namespaceSelector: Selector;
  readonly objectSelector: Selector;
}

export function hookOf<W extends Webhook>(webhook: W, configuration: string): Hook<W> {
  return {
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
  const isNamespaceMeant = namespaceSelector.length === 0 ||
    isInNamespace(namespaceSelector, attributes, objects, store);
  return isNamespaceMeant && isObjectMeant(objectSelector, objects) ? version : undefined;
}

/** Objects in no namespace are always meant; a namespace itself is judged by its own labels. */
function isInNamespace(
  selector: Selector,
  { resource, namespace, operation }: AdmissionAttributes,
  { object, old }: AdmissionObjects,
  store: Store,
): boolean {
  if (resource === namespaces) {
    return matches(selector, labelsOf(operation === "DELETE" ? old : object));
  }
  if (namespace === "") return true;
  return matches(selector, labelsOf(namespaceIn(store, namespace)?.object));
}

function isObjectMeant(selector: Selector, { object, old }: AdmissionObjects): boolean {
  if (selector.length === 0) return true;
  const isMeant = (one: KubeObject | undefined) =>
    one !== undefined && matches(selector, labelsOf(one));
  return isMeant(object) || isMeant(old);
}

function labelsOf(object: KubeObject | undefined): Labels {
  return object?.metadata.labels ?? {};
}
