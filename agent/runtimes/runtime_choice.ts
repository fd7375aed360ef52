import {
  type OpenRuntime,
  type RuntimeContext,
  RuntimeMissing,
  type RuntimeType,
} from "./runtime_type.ts";

/** The value of `--runtime` that leaves the choice to the order of the list. */
export const AUTO = "auto";

/** What `--runtime` can say. */
export function runtimeChoices(types: readonly RuntimeType[]): string[] {
  return [AUTO, ...types.map(({ name }) => name)];
}

/** A runtime that was chosen. */
export interface ChosenRuntime extends OpenRuntime {
  /** What the user should know of the choice and can do about it, in one line. */
  readonly notice: string | undefined;
}

/**
 * Opens the runtime of that name; with `auto` the first of the list that this machine has. Throws a
 * {@linkcode RuntimeMissing} when there is none.
 */
export async function chooseRuntime(
  types: readonly RuntimeType[],
  choice: string,
  context: RuntimeContext,
): Promise<ChosenRuntime> {
  const candidates = choice === AUTO ? types : types.filter(({ name }) => name === choice);
  const reasons: string[] = [];
  for (const type of candidates) {
    try {
      const open = await type.open(context);
      return { ...open, notice: noticeOf(open, reasons) };
    } catch (error) {
      if (!(error instanceof RuntimeMissing)) throw error;
      reasons.push(error.message);
    }
  }
  throw new RuntimeMissing(reasons.join("; ") || `There is no runtime "${choice}"`);
}

function noticeOf({ limitation }: OpenRuntime, reasons: readonly string[]): string | undefined {
  if (limitation === undefined) return undefined;
  return reasons.length === 0
    ? `As asked, ${limitation}`
    : `${reasons.join("; ")}; until then ${limitation}`;
}
