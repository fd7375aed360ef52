import { ownField } from "../../../../../lib/own_field.ts";
import type { Ingress } from "../../../../../resources/networking/ingresses.ts";
import { MANAGED_ALB_ANNOTATIONS as MANAGED } from "../../../../../traffic/rollout_sets.ts";

/** Which annotations of an Ingress each rollout writes, by the rollouts' names. */
export type ManagedAnnotations = ReadonlyMap<string, readonly string[]>;

/** What an Ingress says of it; `undefined` when that cannot be read. */
export function managedAnnotations({ metadata }: Ingress): ManagedAnnotations | undefined {
  const text = ownField(metadata.annotations, MANAGED);
  if (!text) return new Map();
  try {
    const value: unknown = JSON.parse(text);
    return isKeysByName(value) ? new Map(Object.entries(value)) : undefined;
  } catch {
    return undefined; // no JSON
  }
}

function isKeysByName(value: unknown): value is Record<string, string[]> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  return Object.values(value).every((keys) =>
    Array.isArray(keys) && keys.every((key) => typeof key === "string")
  );
}

/** The Ingress that says so; in the order of names, as Go writes it. */
export function withManagedAnnotations(ingress: Ingress, managed: ManagedAnnotations): Ingress {
  const { [MANAGED]: _, ...annotations } = ingress.metadata.annotations ?? {};
  const all = Object.fromEntries([...managed].sort(([a], [b]) => a < b ? -1 : 1));
  const said = managed.size === 0 ? {} : { [MANAGED]: JSON.stringify(all) };
  return {
    ...ingress,
    metadata: { ...ingress.metadata, annotations: { ...annotations, ...said } },
  };
}
