import { namespaces } from "../../resources/core/namespaces.ts";
import type { KubeObject } from "../../resources/resource.ts";
import { type Labels, matches, type Selector } from "../../schema/selectors.ts";
import type { Store } from "../../store/store.ts";
import type { AdmissionAttributes, AdmissionObjects } from "./admission_attributes.ts";
import { namespaceIn } from "./namespace_lifecycle.ts";

/** Which objects are meant, by the labels of their namespace and their own. */
export interface Selectors {
  readonly namespaceSelector: Selector;
  readonly objectSelector: Selector;
}

/** Whether a request is about an object that is meant, before it or after it. */
export function isSelected(
  { namespaceSelector, objectSelector }: Selectors,
  attributes: AdmissionAttributes,
  objects: AdmissionObjects,
  store: Store,
): boolean {
  const isNamespaceMeant = namespaceSelector.length === 0 ||
    isInNamespace(namespaceSelector, attributes, objects, store);
  return isNamespaceMeant && isObjectMeant(objectSelector, objects);
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
  return object?.metadata?.labels ?? {}; // options of connections have no metadata
}
