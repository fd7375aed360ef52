/**
 * Whether everything that `part` says stands in `whole` too, which may say more: a template as a user wrote it in the
 * same one with defaults. What is empty says nothing. apimachinery: `Equalities.DeepDerivative`.
 */
export function isPartOf(part: unknown, whole: unknown): boolean {
  if (isEmpty(part)) return true;
  if (Array.isArray(part)) {
    return Array.isArray(whole) && part.length === whole.length &&
      part.every((one, index) => isPartOf(one, whole[index]));
  }
  if (typeof part !== "object") return part === whole;
  if (typeof whole !== "object" || whole === null) return false;
  return Object.entries(part as object).every(([key, value]) =>
    isPartOf(value, (whole as Record<string, unknown>)[key])
  );
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === "" || value === 0 || value === false) {
    return true;
  }
  return typeof value === "object" && Object.keys(value).length === 0;
}
