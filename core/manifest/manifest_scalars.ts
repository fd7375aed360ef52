/**
 * What unquoted scalars mean, as go-yaml v2 reads them for sigs.k8s.io/yaml: the booleans and octal numbers of YAML 1.1, no
 * numbers in base 60, and times that stay strings.
 */
export function plainValueOf(text: string): string | number | boolean | null {
  const word = WORDS.get(text);
  if (word !== undefined) return word;
  if (!/^[-+.0-9]/.test(text)) return text;
  return numberOf(text) ?? text;
}

const WORDS = new Map<string, boolean | null | number>([
  ...["y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"]
    .map((word) => [word, true] as const),
  ...["n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"]
    .map((word) => [word, false] as const),
  ...["", "~", "null", "Null", "NULL"].map((word) => [word, null] as const),
  ...[".nan", ".NaN", ".NAN"].map((word) => [word, NaN] as const),
  ...[".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"].map((word) => [word, Infinity] as const),
  ...["-.inf", "-.Inf", "-.INF"].map((word) => [word, -Infinity] as const),
]);

const FLOAT = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/;
const PREFIXED = /^([-+]?)0(?:([xX])([0-9a-fA-F]+)|([bB])([01]+)|[oO]?([0-7]+))$/;
const [INT_MIN, INT_MAX] = [-(2n ** 63n), 2n ** 64n - 1n];

function numberOf(text: string): number | undefined {
  const plain = text.startsWith(".") ? text : text.replaceAll("_", "");
  if (plain.length > 512) return undefined; // no number that anybody wrote
  const prefixed = PREFIXED.exec(plain);
  if (prefixed) {
    const [, sign, hex, hexDigits, binary, bits, octal] = prefixed;
    const digits = hex ? `0x${hexDigits}` : binary ? `0b${bits}` : `0o${octal}`;
    const whole = sign === "-" ? -BigInt(digits) : BigInt(digits);
    if (whole >= INT_MIN && whole <= INT_MAX) return Number(whole);
  }
  if (!FLOAT.test(plain)) return undefined;
  const value = Number(plain);
  return Number.isFinite(value) ? value + 0 : undefined;
}
