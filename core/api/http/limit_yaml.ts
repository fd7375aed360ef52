import { Slots } from "../../lib/slots.ts";
import type { ApiMiddleware } from "./api_context.ts";

/** What most manifests stay below. */
export const SMALL_YAML_BYTES_MAX = 16 * 1024;
/** How many of these are read at once: each takes up to 3 MB meanwhile. */
export const SMALL_YAML_READS_MAX = 16;
/** How many larger ones are read at once: each takes up to 50 MB, see `MANIFEST_LIMITS`. */
export const LARGE_YAML_READS_MAX = 2;

/**
 * Bounds what YAML takes in sum while it is read, which is up to 200 times its size: so few requests read some at a
 * time, and the others wait with the bytes alone. Small ones wait for small ones only.
 */
export function limitYaml(): ApiMiddleware {
  const small = new Slots(SMALL_YAML_READS_MAX);
  const large = new Slots(LARGE_YAML_READS_MAX);
  return async (c, next) => {
    c.set("readInTurn", ({ length }, read) => {
      return (length <= SMALL_YAML_BYTES_MAX ? small : large).use(read);
    });
    await next();
  };
}
