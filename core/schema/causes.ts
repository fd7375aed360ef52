/** One reason why an object was refused, as a Status lists it and kubectl prints it. */
export interface Cause {
  /** Path of the field, e.g. `spec.containers[0].name`. */
  field: string;
  reason:
    | "FieldValueRequired"
    | "FieldValueInvalid"
    | "FieldValueForbidden"
    | "FieldValueNotFound"
    | "FieldValueNotSupported"
    | "FieldValueDuplicate"
    | "FieldValueTooLong"
    | "FieldValueTooMany"
    | "FieldValueTypeInvalid"
    | "FieldManagerConflict"
    | "NamespaceTerminating";
  /** What is wrong, without the path. */
  message: string;
}

// The words are those of k8s.io/apimachinery/pkg/util/validation/field/errors.go.

/** Longer values are cut in messages: a refusal must not repeat a megabyte. */
const SHOWN_CHARS_MAX = 1024;

/** A required value is missing. */
export function missing(field: string, detail = ""): Cause {
  return { field, reason: "FieldValueRequired", message: withDetail("Required value", detail) };
}

/** The value breaks a rule. */
export function invalid(field: string, value: unknown, detail: string): Cause {
  const message = withDetail(`Invalid value: ${shown(value)}`, detail);
  return { field, reason: "FieldValueInvalid", message };
}

/** What belongs together at `field` does not fit; the value itself would not help to see why. */
export function inconsistent(field: string, detail: string): Cause {
  return { field, reason: "FieldValueInvalid", message: `Invalid value: ${detail}` };
}

/** The value is not of the JSON type that the field has. */
export function wrongType(field: string, value: unknown, type: string): Cause {
  const message = `Invalid value: ${shown(value)}: must be of type ${type}`;
  return { field, reason: "FieldValueTypeInvalid", message };
}

/** The value is valid, but not allowed here or now. */
export function forbidden(field: string, detail: string): Cause {
  return { field, reason: "FieldValueForbidden", message: withDetail("Forbidden", detail) };
}

/** The value names something that does not exist. */
export function notFound(field: string, value: unknown): Cause {
  return { field, reason: "FieldValueNotFound", message: `Not found: ${shown(value)}` };
}

/** The value is not one of the field's words. */
export function notSupported(field: string, value: unknown, words: readonly string[]): Cause {
  const detail = words.length === 0
    ? ""
    : `supported values: ${words.map((word) => JSON.stringify(word)).join(", ")}`;
  const message = withDetail(`Unsupported value: ${shown(value)}`, detail);
  return { field, reason: "FieldValueNotSupported", message };
}

/** The value must be unique and is not. */
export function duplicate(field: string, value: unknown): Cause {
  return { field, reason: "FieldValueDuplicate", message: `Duplicate value: ${shown(value)}` };
}

export function tooLong(field: string, bytesMax: number): Cause {
  const unit = bytesMax === 1 ? "byte" : "bytes";
  const message = `Too long: may not be more than ${bytesMax} ${unit}`;
  return { field, reason: "FieldValueTooLong", message };
}

export function tooMany(field: string, count: number, itemsMax: number): Cause {
  const unit = itemsMax === 1 ? "item" : "items";
  const message = `Too many: ${count}: must have at most ${itemsMax} ${unit}`;
  return { field, reason: "FieldValueTooMany", message };
}

function withDetail(what: string, detail: string): string {
  return detail ? `${what}: ${detail}` : what;
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? "null";
  return text.length <= SHOWN_CHARS_MAX ? text : `${text.slice(0, SHOWN_CHARS_MAX)}...`;
}
