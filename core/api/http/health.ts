/** A check of the server's health. */
export interface HealthCheck {
  name: string;
  /** Whether it also counts for `/livez`: only what a restart would repair. */
  isVital: boolean;
  /** Why it fails; `undefined`: it passes. */
  fault(): string | undefined;
}

/** The answer of `/livez`, `/readyz` and `/healthz`, and of `/NAME` below them for a single check. */
export interface Health {
  code: 200 | 404 | 500;
  text: string;
}

const PATH = /^\/(healthz|livez|readyz)(?:\/([\w-]+))?$/;

/**
 * Answers a health path, in the words of kube-apiserver. Returns `undefined` for other paths.
 * Source: https://kubernetes.io/docs/reference/using-api/health-checks/
 */
export function healthOf(
  checks: readonly HealthCheck[],
  pathname: string,
  query: { isVerbose: boolean; excluded: readonly string[] },
): Health | undefined {
  const [, endpoint, only] = PATH.exec(pathname) ?? [];
  if (endpoint === undefined) return undefined;
  const counted = checks.filter(({ isVital }) => isVital || endpoint !== "livez");
  const asked = only === undefined ? counted : counted.filter(({ name }) => name === only);
  if (asked.length === 0) return { code: 404, text: "404 page not found\n" };
  const results = asked.map(({ name, fault }) => ({
    name,
    fault: query.excluded.includes(name) ? undefined : fault(),
    isExcluded: query.excluded.includes(name),
  }));
  const isWell = results.every(({ fault }) => fault === undefined);
  if (isWell && !query.isVerbose) return { code: 200, text: "ok" };
  const lines = results.map(({ name, fault, isExcluded }) => {
    if (isExcluded) return `[+]${name} excluded: ok`;
    return fault === undefined ? `[+]${name} ok` : `[-]${name} failed: ${fault}`;
  });
  const end = `${endpoint} check ${isWell ? "passed" : "failed"}`;
  return { code: isWell ? 200 : 500, text: [...lines, end, ""].join("\n") };
}
