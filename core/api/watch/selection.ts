import { ownField } from "../../lib/own_field.ts";
import { ApiError } from "../../client/api_error.ts";
import { matchesFields, parseFieldSelector } from "../../schema/field_selectors.ts";
import type { KubeObject } from "../../resources/resource.ts";
import {
  matches as matchesLabels,
  parseLabelSelector,
  SelectorError,
} from "../../schema/selectors.ts";
import type { ServedKind } from "../discovery/served_kinds.ts";
import type { Matches } from "./watch_lines.ts";

/** Which objects of a kind a request selects. */
export interface Selection {
  /** `undefined`: all. */
  matches: Matches | undefined;
  /** Equal for selections with the same selectors. */
  text: string;
}

interface Selectors {
  labelSelector: string;
  fieldSelector: string;
}

/** Reads both selectors of a request. Throws BadRequest, in Kubernetes' words. */
export function selectionOf(kind: ServedKind, selectors: Selectors): Selection {
  const { labelSelector, fieldSelector } = selectors;
  const text = JSON.stringify([labelSelector, fieldSelector]);
  if (labelSelector === "" && fieldSelector === "") return { matches: undefined, text };
  const labels = readable(() => parseLabelSelector(labelSelector));
  const fields = readable(() => parseFieldSelector(fieldSelector));
  for (const { field } of fields) {
    if (!fieldOf(kind, field)) throw unsupported(kind, field);
  }
  return {
    text,
    matches: (object) =>
      matchesLabels(labels, object.metadata.labels) &&
      matchesFields(fields, (field) => fieldOf(kind, field)!(object)),
  };
}

function readable<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof SelectorError) throw new ApiError("BadRequest", error.message);
    throw error;
  }
}

function fieldOf(
  { resource, conversion }: ServedKind,
  field: string,
): ((object: KubeObject) => string) | undefined {
  if (field === "metadata.name") return ({ metadata }) => metadata.name;
  if (field === "metadata.namespace") return ({ metadata }) => metadata.namespace ?? "";
  const stored = conversion?.fields ? ownField(conversion.fields, field) : field;
  return stored === undefined ? undefined : ownField(resource.fields, stored);
}

function unsupported({ resource }: ServedKind, field: string): ApiError {
  const message = Object.keys(resource.fields).length > 0
    ? `field label not supported: ${field}`
    : `${
      JSON.stringify(field)
    } is not a known field selector: only "metadata.name", "metadata.namespace"`;
  return new ApiError("BadRequest", message);
}
