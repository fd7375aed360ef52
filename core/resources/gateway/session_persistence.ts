import { type Cause, invalid } from "../../schema/causes.ts";
import { fallback, object, oneOf, string, type TypeOf } from "../../schema/schema.ts";

/** https://gateway-api.sigs.k8s.io/geps/gep-1619/ */
export const sessionPersistence = object("Keeps the requests of a session at one backend.", {
  sessionName: string("Name of the cookie, or of the header.", {
    maxLength: 128,
    pattern: "^[A-Za-z0-9!#$%&'*+\\-.^_\\x60|~]+$",
  }),
  absoluteTimeout: string("How long a session lasts at most, such as `1h`.", {
    pattern: "^([0-9]{1,5}(h|m|s|ms)){1,4}$",
  }),
  idleTimeout: string("How long it lasts without a request.", {
    pattern: "^([0-9]{1,5}(h|m|s|ms)){1,4}$",
  }),
  type: fallback("Cookie", oneOf("What carries the session.", ["Cookie", "Header"])),
  cookieConfig: object("About the cookie.", {
    lifetimeType: fallback(
      "Session",
      oneOf("Whether it outlives the browser.", ["Permanent", "Session"]),
    ),
  }),
});
export type SessionPersistence = TypeOf<typeof sessionPersistence>;

/** The rules that the Gateway API writes in CEL, with their words. */
export function sessionCauses(
  { type, absoluteTimeout, cookieConfig }: SessionPersistence,
  at: string,
): Cause[] {
  const causes: Cause[] = [];
  if (cookieConfig?.lifetimeType === "Permanent" && absoluteTimeout === undefined) {
    const rule = "AbsoluteTimeout must be specified when cookie lifetimeType is Permanent";
    causes.push(invalid(at, "object", rule));
  }
  if (cookieConfig !== undefined && type !== "Cookie") {
    causes.push(invalid(at, "object", "cookieConfig can only be set with type Cookie"));
  }
  return causes;
}
