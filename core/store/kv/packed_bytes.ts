/** A view keeps the whole slab alive that it is in. */
const SLAB_BYTES = 64 * 1024;
/** Longer ones get memory of their own. */
const PACKED_BYTES_MAX = SLAB_BYTES / 4;

/**
 * Copies many short byte strings into few pieces of memory: a piece of its own costs 300 bytes more. Until the last
 * copy in a slab is let go, the slab stays: of what was copied, that is as much as was copied at most.
 */
export class PackedBytes {
  #slab = new Uint8Array();
  #used = 0;

  copyOf(bytes: Uint8Array): Uint8Array {
    if (bytes.length > PACKED_BYTES_MAX) return bytes.slice();
    const end = this.#used + bytes.length;
    if (end > this.#slab.length) {
      this.#slab = new Uint8Array(SLAB_BYTES);
      this.#used = 0;
      return this.copyOf(bytes);
    }
    const copy = this.#slab.subarray(this.#used, end);
    copy.set(bytes);
    this.#used = end;
    return copy;
  }
}
