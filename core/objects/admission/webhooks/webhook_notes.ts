import { isJsonObject } from "../../../lib/json/json_value.ts";
import { escapedJson } from "../../../lib/json/sorted_json.ts";
import type { AdmissionAttributes } from "../admission_attributes.ts";
import type { Hook } from "./hook_selection.ts";

const PREFIXES = {
  mutation: "mutation.webhook.admission.k8s.io/",
  patch: "patch.webhook.admission.k8s.io/",
  validating: "validating.webhook.admission.k8s.io/",
};

/** The annotation for a webhook that could not be asked, which was ignored. */
export function failedOpenKey(
  kind: "mutation" | "validating",
  round: number,
  index: number,
): string {
  return `failed-open.${keyOf(kind, round, index)}`;
}

function keyOf(kind: keyof typeof PREFIXES, round: number, index: number): string {
  return `${PREFIXES[kind]}round_${round}_index_${index}`;
}

/**
 * What the audit log hears of one call of a mutating webhook.
 * Source: https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#mutating-webhook-auditing-annotations
 */
export class MutationNote {
  readonly #annotate: AdmissionAttributes["annotate"];
  readonly #names: { configuration: string; webhook: string };
  readonly #place: readonly [round: number, index: number];

  constructor(
    { annotate }: AdmissionAttributes,
    { configuration, webhook }: Hook,
    { round, index }: { round: number; index: number },
  ) {
    this.#annotate = annotate;
    this.#names = { configuration, webhook: webhook.name };
    this.#place = [round, index];
  }

  changed(mutated: boolean): void {
    if (!this.#annotate) return;
    const value = escapedJson({ ...this.#names, mutated });
    this.#annotate(keyOf("mutation", ...this.#place), value);
  }

  patched(patch: readonly unknown[]): void {
    if (!this.#annotate) return;
    const operations = patch.map((one) =>
      isJsonObject(one)
        ? Object.fromEntries(Object.entries(one).sort(([a], [b]) => a < b ? -1 : 1))
        : one
    );
    const value = escapedJson({ ...this.#names, patch: operations, patchType: "JSONPatch" });
    this.#annotate(keyOf("patch", ...this.#place), value, "Request");
  }

  failedOpen(): void {
    this.#annotate?.(failedOpenKey("mutation", ...this.#place), this.#names.webhook);
  }
}
