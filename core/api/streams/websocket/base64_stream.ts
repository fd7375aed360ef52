const PADDED = /^[A-Za-z0-9+/]*={0,2}$/;
const decoder = new TextDecoder("latin1");
const encoder = new TextEncoder();

/** Decodes base64 (RFC 4648, section 4) that comes in pieces. */
export class Base64Reader {
  #rest = "";
  #isBroken = false;

  /** The bytes that are complete; `undefined` for what is no base64, and from then on. */
  push(piece: Uint8Array): Uint8Array | undefined {
    const text = this.#rest + decoder.decode(piece);
    const whole = text.slice(0, text.length & ~3);
    // Padding ends it.
    this.#isBroken ||= !PADDED.test(text) || (this.#rest !== "" && this.#rest.includes("="));
    if (this.#isBroken) return undefined;
    this.#rest = text.slice(whole.length);
    return Uint8Array.from(atob(whole), (character) => character.charCodeAt(0));
  }
}

export function base64Of(bytes: Uint8Array): Uint8Array {
  return encoder.encode(bytes.toBase64());
}
