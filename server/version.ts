import manifest from "../deno.json" with { type: "json" };

/** Version of Coracle, e.g. `0.1.0`. */
export const VERSION: string = manifest.version;
