import type { View } from "../client/client.ts";
import { referenceGrants } from "../resources/gateway/reference_grants.ts";

/** Objects of a kind in a namespace. */
export interface Referrer {
  readonly group: string;
  readonly kind: string;
  readonly namespace: string;
}

/**
 * Whether an object may refer to another one: within its namespace always, else by a ReferenceGrant in the namespace of the
 * one that is referred to. https://gateway-api.sigs.k8s.io/api-types/referencegrant/
 */
export function mayRefer(
  from: Referrer,
  to: Referrer & { readonly name: string },
  view: Pick<View, "list">,
): boolean {
  if (from.namespace === to.namespace) return true;
  return view.list(referenceGrants).some(({ metadata, spec }) =>
    metadata.namespace === to.namespace && spec !== undefined &&
    spec.from.some(({ group = "", kind, namespace }) =>
      group === from.group && kind === from.kind && namespace === from.namespace
    ) &&
    spec.to.some(({ group = "", kind, name }) =>
      group === to.group && kind === to.kind && (name === undefined || name === to.name)
    )
  );
}
