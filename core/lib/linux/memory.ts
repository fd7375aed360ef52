/** Where something lies; `null`: nowhere. */
export type Pointer = Deno.PointerValue;

/** Bytes that C reads and writes. They stay where they are for as long as this is kept. */
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

  /** Where the byte with that index lies. */
  at(index: number): Pointer {
    return index === 0 ? this.pointer : Deno.UnsafePointer.offset(this.pointer!, index);
  }
}

/** Where bytes lie. They may be shared with other threads; whoever uses it keeps them. */
export function pointerTo(bytes: Uint8Array, index = 0): Pointer {
  const pointer = Deno.UnsafePointer.of(bytes as Uint8Array<ArrayBuffer>); // which takes shared ones as well
  return index === 0 ? pointer : Deno.UnsafePointer.offset(pointer!, index);
}
