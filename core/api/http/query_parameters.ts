import { ApiError } from "../../client/api_error.ts";

/** The first value that a query has for a name. */
export type Query = (name: string) => string | undefined;

/** Reads a flag as Kubernetes does: present and not `false` or `0` is true. */
export function flag(query: Query, name: string): boolean | undefined {
  const text = query(name);
  return text === undefined ? undefined : text.toLowerCase() !== "false" && text !== "0";
}

/** Throws BadRequest, in the words of Go. */
export function wholeNumber(query: Query, name: string): number | undefined {
  const text = query(name);
  if (text === undefined || text === "") return undefined;
  const value = Number(text);
  if (/^-?\d{1,15}$/.test(text)) return value;
  throw new ApiError("BadRequest", `strconv.ParseInt: parsing "${text}": invalid syntax`);
}
