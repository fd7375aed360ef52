import { fallback, mapOf, quantity, required, string, time } from "../../schema/schema.ts";
import type { Column, KubeObject } from "../resource.ts";

/** Fields that both kinds of measurements have. */
export const measuredFields = {
  timestamp: required(time("When it was measured: the end of the window.")),
  window: required(string("Over what time, as a duration such as 15s.")),
};

export const usage = fallback(
  {},
  mapOf("How much is used, by resource: of memory, the working set.", quantity("Amount.")),
);

/** The columns that metrics-server's tables have besides the name. */
export function usageColumns<T extends KubeObject & { window: string }>(
  usageOf: (object: T) => Readonly<Record<string, string>>,
): Column<T>[] {
  return [
    {
      name: "cpu",
      description: "CPU that is used.",
      value: (object) => usageOf(object)["cpu"] ?? "",
    },
    {
      name: "memory",
      description: "Working set of its memory.",
      value: (object) => usageOf(object)["memory"] ?? "",
    },
    { name: "Window", description: "Over what time.", value: ({ window }) => window },
  ];
}
