/** Bytes that C reads and writes. They stay where they are for as long as this is kept. */
export class Memory {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly pointer: Deno.PointerValue;

  constructor(size: number) {
    this.bytes = new Uint8Array(size);
    this.pointer = Deno.UnsafePointer.of(this.bytes);
  }

  get size(): number {
    return this.bytes.length;
  }

  /** Where the byte with that index lies. */
  at(index: number): Deno.PointerValue {
    return index === 0 ? this.pointer : Deno.UnsafePointer.offset(this.pointer!, index);
  }
}

/** Where bytes lie, for one call. */
export function pointerTo(bytes: Uint8Array<ArrayBuffer>): Deno.PointerValue {
  return Deno.UnsafePointer.of(bytes);
}
