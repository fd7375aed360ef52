import type { Cause } from "../schema/causes.ts";
import { check } from "../schema/check.ts";
import type { KubeObject, Resource } from "./resource.ts";

/** What admission makes of an object, without a store: for tests of kinds. */
export interface Made<T> {
  object: T;
  /** `field: message`, as kubectl prints them. */
  causes: string[];
  warnings: string[];
  unknown: string[];
}

const stamp = {
  namespace: "default",
  name: "web",
  uid: "u-1",
  resourceVersion: "1",
  creationTimestamp: "2026-01-01T00:00:00Z",
};

/** Checks, prepares and validates `manifest`, which is not changed. */
export function made<T extends KubeObject>(
  resource: Resource<T>,
  manifest: object,
  previous?: T,
): Made<T> {
  const { metadata } = manifest as { metadata?: object };
  const draft = structuredClone({ ...manifest, metadata: { ...stamp, ...metadata } });
  const { value, causes, unknown } = check(resource.schema, draft);
  const object = resource.prepare(value as T, previous);
  return {
    object,
    causes: [...causes, ...resource.validate(object, previous)].map(textOf),
    warnings: resource.warnings(object, previous),
    unknown,
  };
}

function textOf({ field, message }: Cause): string {
  return `${field}: ${message}`;
}

/** The row of `kubectl get`, with the columns of `-o wide` when `wide` is set. */
export function rowOf<T extends KubeObject>(
  resource: Resource<T>,
  object: T,
  { nowMs = Date.parse("2026-01-01T00:05:00Z"), wide = false } = {},
): Record<string, unknown> {
  const shown = resource.columns.filter(({ priority = 0 }) => wide || priority === 0);
  return Object.fromEntries(shown.map(({ name, value }) => [name, value(object, nowMs)]));
}
