import { type Cause, invalid } from "./causes.ts";
import { percentFaults } from "./names.ts";
import { nonNegativeCauses } from "./value_rules.ts";

/** The rules for a number of pods, or a share of them in percent. */
export function shareCauses(field: string, share: number | string): Cause[] {
  return typeof share === "number"
    ? nonNegativeCauses(field, share)
    : percentFaults(share).map((fault) => invalid(field, share, fault));
}

export function atMostAllCauses(field: string, share: number | string): Cause[] {
  return typeof share === "string" && (shareOf(share) ?? 0) > 100
    ? [invalid(field, share, "must not be greater than 100%")]
    : [];
}

/** The number in front of the percent sign, or the number itself. */
export function shareOf(share: number | string): number | undefined {
  if (typeof share === "number") return share;
  return /^[0-9]+%$/.test(share) ? Number(share.slice(0, -1)) : undefined;
}
