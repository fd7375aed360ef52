/** There was no answer, or none that the API gives. Nobody knows whether a write was done. */
export class LinkError extends Error {
  override name = "LinkError";
}
