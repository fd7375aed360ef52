/** An address; `null`: none. */
export type Pointer = Deno.PointerValue;

/** Bytes for native code to read and write. Their address is valid while this object is referenced. */
export class Memory {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly pointer: Pointer;

  constructor(size: number) {
    this.bytes = new Uint8Array(size);
    this.pointer = Deno.UnsafePointer.of(this.bytes);
  }

  get size(): number {
    return this.bytes.length;
  }

  /** The address of the byte at an index. */
  at(index: number): Pointer {
    return index === 0 ? this.pointer : Deno.UnsafePointer.offset(this.pointer!, index);
  }
}

/** The address of bytes, also of shared ones. The caller must keep a reference to them. */
export function pointerTo(bytes: Uint8Array, index = 0): Pointer {
  const pointer = Deno.UnsafePointer.of(bytes as Uint8Array<ArrayBuffer>); // accepts shared memory, too
  return index === 0 ? pointer : Deno.UnsafePointer.offset(pointer!, index);
}

/** The address as a number, for another thread of the process: see {@linkcode pointerTo}. */
export function addressOf(bytes: Uint8Array): bigint {
  return Deno.UnsafePointer.value(pointerTo(bytes));
}

/** What lies at an address that {@linkcode addressOf} returned. */
export function pointerAt(address: bigint): Pointer {
  return Deno.UnsafePointer.create(address);
}
