/** There was no answer, or not one of the API. Whether a write was done is unknown. */
export class LinkError extends Error {
  override name = "LinkError";
}
