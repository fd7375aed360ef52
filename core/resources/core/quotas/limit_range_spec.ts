import {
  fallback,
  list,
  mapOf,
  object,
  quantity,
  required,
  string,
  type TypeOf,
} from "../../../schema/schema.ts";

const amounts = (description: string) => mapOf(description, quantity("Amount."));

const limitRangeItem = object("Bounds for one type of object.", {
  type: required(string("What it bounds: Pod, Container or PersistentVolumeClaim.")),
  max: amounts("The most that may be used, by the name of what is used."),
  min: amounts("The least that must be requested."),
  default: amounts("Limits of a container that sets none."),
  defaultRequest: amounts("Requests of a container that sets none."),
  maxLimitRequestRatio: amounts("How many times its request a limit may be."),
});
export type LimitRangeItem = TypeOf<typeof limitRangeItem>;

export const limitRangeSpec = object("The bounds that are enforced.", {
  limits: fallback([], list("Bounds, one for each type.", limitRangeItem)),
});
export type LimitRangeSpec = TypeOf<typeof limitRangeSpec>;
