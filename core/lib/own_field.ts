/**
 * The value of a field in a record whose names come from users: labels, data, limits. What all objects inherit, such as
 * `constructor` and `toString`, does not count.
 */
export function ownField<T>(
  record: Readonly<Record<string, T>> | undefined,
  name: string,
): T | undefined {
  return record !== undefined && Object.hasOwn(record, name) ? record[name] : undefined;
}
