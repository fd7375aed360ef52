import { Slots } from "../../lib/slots.ts";
import type { ApiMiddleware } from "./api_context.ts";

/** Most manifests are smaller. */
export const SMALL_YAML_BYTES_MAX = 16 * 1024;
/** How many small ones are parsed at once; each takes up to 3 MB. */
export const SMALL_YAML_READS_MAX = 16;
/** How many larger ones are parsed at once; each takes up to 50 MB, see `MANIFEST_LIMITS`. */
export const LARGE_YAML_READS_MAX = 2;

/**
 * Bounds the memory for parsing YAML, which takes up to 200 times its size: only a few requests parse at a time, the
 * others wait and hold only their bytes. Small ones wait only for small ones.
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
