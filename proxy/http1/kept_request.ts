import type { Head } from "../messages/head.ts";
import { ADDED_BYTES_MAX, writeRequestHead } from "../messages/head_writer.ts";
import type { LiveRoute } from "../routing/route_matcher.ts";
import { editedHead, rewriteEdit } from "./head_edit.ts";

/**
 * A request as its endpoint gets it: the head and what of the body came with it, kept in case it has to be sent again. One
 * object serves all requests of a connection, one after the other.
 */
export class KeptRequest {
  bytes: Uint8Array = new Uint8Array(0);
  length = 0;
  /** Whether all that was sent is here. */
  isWhole = false;

  /**
   * Writes the head without hop-by-hop fields, with who the client is (`forwarded`), and the body so far, which ends at
   * `bodyEnd`.
   */
  write(
    { route, rule: { rule } }: LiveRoute,
    bytes: Uint8Array,
    head: Head,
    headEnd: number,
    bodyEnd: number,
    forwarded: Uint8Array,
  ): void {
    const needed = ADDED_BYTES_MAX + forwarded.length + bodyEnd - head.start;
    if (this.bytes.length < needed) this.bytes = new Uint8Array(needed + 512);
    let length = writeRequestHead(bytes, headEnd, head, forwarded, this.bytes);
    if (rule.requestHeaders || rule.rewrite) {
      const edit = rule.rewrite ? rewriteEdit(rule.rewrite, route.match.path.value) : {};
      const written = this.bytes.subarray(0, length);
      const edited = editedHead(written, { ...edit, edit: rule.requestHeaders });
      length = edited.length;
      this.bytes = new Uint8Array(length + bodyEnd - headEnd);
      this.bytes.set(edited);
    }
    if (bodyEnd > headEnd) this.bytes.set(bytes.subarray(headEnd, bodyEnd), length);
    this.length = length + bodyEnd - headEnd;
    this.isWhole = true;
  }
}
