import type { Argument } from "../../resources/argoproj/mod.ts";

/** An argument has no value, or a text names one that is not there. The message is Argo's. */
export class ArgumentError extends Error {
  override name = "ArgumentError";
}

const OPEN = "{{";
const CLOSE = "}}";

/** Values of arguments by the names in templates: `args.x`. */
export type ArgumentValues = ReadonlyMap<string, string>;

/**
 * The values of a run's arguments; `secret`: the value of one that comes from a Secret.
 * @throws {ArgumentError} when one has no value
 */
export function argumentValues(
  args: readonly Argument[],
  secret: (argument: Argument) => string,
): ArgumentValues {
  return new Map(args.map((argument) => {
    const value = isSecret(argument) ? secret(argument) : argument.value;
    if (value === undefined) {
      throw new ArgumentError(`argument "${argument.name}" was not supplied`);
    }
    return [`args.${argument.name}`, value];
  }));
}

export function isSecret({ valueFrom }: Argument): boolean {
  return valueFrom?.secretKeyRef !== undefined;
}

/**
 * A copy in which every `{{name}}` in texts and keys is replaced by its value. Values are not looked into again.
 * @throws {ArgumentError} when a name is unknown
 */
export function withArguments<T>(value: T, values: ArgumentValues): T {
  if (typeof value === "string") return replaced(value, values) as T;
  if (Array.isArray(value)) return value.map((each) => withArguments(each, values)) as T;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map((
      [key, each],
    ) => [replaced(key, values), withArguments(each, values)]),
  ) as T;
}

function replaced(text: string, values: ArgumentValues): string {
  let [made, at] = ["", 0];
  for (let open = text.indexOf(OPEN); open >= 0; open = text.indexOf(OPEN, at)) {
    const close = text.indexOf(CLOSE, open + OPEN.length);
    if (close < 0) {
      throw new ArgumentError(
        `Cannot find end tag="}}" in the template=${JSON.stringify(text)} starting from ${
          JSON.stringify(text.slice(open + OPEN.length))
        }`,
      );
    }
    const tag = text.slice(open + OPEN.length, close);
    const value = values.get(tag.trim());
    if (value === undefined) throw new ArgumentError(`failed to resolve {{${tag}}}`);
    made += text.slice(at, open) + value;
    at = close + CLOSE.length;
  }
  return made + text.slice(at);
}
