/** A view keeps its whole slab alive. */
const SLAB_BYTES = 64 * 1024;
/** Longer byte strings get memory of their own. */
const PACKED_BYTES_MAX = SLAB_BYTES / 4;

/**
 * Copies many short byte strings into few slabs: an array of its own costs 300 bytes more for each. A slab is freed with the
 * last copy in it, so at worst everything that was copied stays.
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
