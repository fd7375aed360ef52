const RESERVED = new Set(
  "true false null in as break const continue else for function if import let loop package namespace return var void while"
    .split(" "),
);
const NAME = /^[A-Za-z_./-][A-Za-z0-9_./-]*$/;
const ESCAPES: Readonly<Record<string, string>> = {
  "__": "__underscores__",
  ".": "__dot__",
  "-": "__dash__",
  "/": "__slash__",
};

/**
 * The name by which expressions reach a property; `undefined` when they cannot.
 * https://kubernetes.io/docs/reference/using-api/cel/#escaping
 */
export function escapedName(property: string): string | undefined {
  if (!NAME.test(property)) return undefined;
  if (RESERVED.has(property)) return `__${property}__`;
  return property.replace(/__|[./-]/g, (part) => ESCAPES[part]!);
}
