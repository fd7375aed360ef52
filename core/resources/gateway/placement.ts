import { ownField } from "../../lib/own_field.ts";
import { type Cause, invalid } from "../../schema/causes.ts";
import {
  type Labels,
  matches,
  parseLabelSelector,
  type Selector,
  SelectorError,
  selectorOfLabels,
} from "../../schema/selectors.ts";

/**
 * Where a Gateway says on which nodes its listeners are opened: as a label of its infrastructure, those with the same label;
 * as an annotation, those that a label selector selects. With both, those for which both hold; with neither, all.
 */
export const NODES = "coracle.dev/nodes";

/** What is read of a Gateway. */
export interface Placed {
  readonly metadata: { readonly annotations?: Labels };
  readonly spec: { readonly infrastructure?: { readonly labels?: Labels } };
}

/** The rules for the labels of a Gateway's nodes; `undefined`: it is on all. One that cannot be read selects none. */
export function placementOf({ metadata, spec }: Placed): Selector | undefined {
  const text = ownField(metadata.annotations ?? {}, NODES);
  const value = ownField(spec.infrastructure?.labels ?? {}, NODES);
  if (text === undefined && value === undefined) return undefined;
  const selected = text === undefined ? [] : readSelector(text) ?? selectorOfLabels({});
  return [...selected, ...(value === undefined ? [] : selectorOfLabels({ [NODES]: value }))];
}

/** Whether the listeners of a Gateway are opened on a node with these labels. */
export function isPlacedOn(gateway: Placed, nodeLabels: Labels | undefined): boolean {
  const selector = placementOf(gateway);
  return selector === undefined || matches(selector, nodeLabels);
}

/** Why the annotation cannot be understood, in Kubernetes' words for selectors. */
export function placementCauses(annotations: Labels = {}): Cause[] {
  const text = ownField(annotations, NODES);
  if (text === undefined) return [];
  try {
    parseLabelSelector(text);
    return [];
  } catch (error) {
    if (!(error instanceof SelectorError)) throw error;
    return [invalid(`metadata.annotations[${NODES}]`, text, error.message)];
  }
}

function readSelector(text: string): Selector | undefined {
  try {
    return parseLabelSelector(text);
  } catch (error) {
    if (error instanceof SelectorError) return undefined; // stored before it was checked
    throw error;
  }
}
