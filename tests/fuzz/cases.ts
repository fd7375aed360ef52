/** Of this many cases in all, each property has its share. */
const CASES_DEFAULT = 150_000;
/** The same in every run of the gate, so that a red run is red again; `deno task fuzz` draws a new one. */
const SEED_DEFAULT = 1;

/** What is to be run, by the environment: `CASES` in all, `SEED`, and `REPLAY`, the path of one counterexample. */
export interface Cases {
  readonly seed: number;
  /** Of all properties together. */
  readonly count: number;
  readonly replay: string | undefined;
}

export function casesAsked(): Cases {
  return {
    seed: numberIn("SEED") ?? SEED_DEFAULT,
    count: numberIn("CASES") ?? CASES_DEFAULT,
    replay: Deno.env.get("REPLAY"),
  };
}

/** How many runs a property gets that has `share` of {@linkcode CASES_DEFAULT}. */
export function runsOf(share: number, { count }: Cases): number {
  return Math.max(1, Math.round(share * count / CASES_DEFAULT));
}

function numberIn(variable: string): number | undefined {
  const text = Deno.env.get(variable);
  if (text === undefined) return undefined;
  if (!/^-?\d{1,15}$/.test(text)) throw new Error(`${variable} must be a whole number: "${text}"`);
  return Number(text);
}
