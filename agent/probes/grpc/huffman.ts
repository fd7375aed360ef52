/**
 * How many bits the code of each byte has, in base 36. The codes follow from it: shorter ones first, those of one length by
 * their bytes. https://www.rfc-editor.org/rfc/rfc7541#appendix-B
 */
const LENGTHS =
  "dnsssssssoussussssssssusssssssss6aacd68baa8b8666555666666678f6cad67777777777777777777777878djde6f565" +
  "65666577666567655677777fbedskmkkmmmnmnnnnnonoomnonnnnlmnmnnomlkmmnnlnmmolmnnllmlnmnnkmmmnmmnqqkjmnmp" +
  "qqqrrqopjlqrrqrollqqsrrrkoklmllnmmppooqnqrqqrrrrrsrrrrrq";
const BITS_MAX = 30;

/** The bytes of each length, in the order of their codes, and the first of these codes. */
interface CodesOfLength {
  first: number;
  bytes: number[];
}

let codes: readonly CodesOfLength[] | undefined;

/** A string that HPACK has compressed, as one character for each byte. Throws for what is none. */
export function huffmanText(bytes: Uint8Array): string {
  codes ??= codesByLength();
  let text = "";
  let [code, length] = [0, 0];
  for (const byte of bytes) {
    for (let bit = 7; bit >= 0; bit--) {
      code = code * 2 + (byte >> bit & 1);
      const found = codes[++length]!;
      const index = code - found.first;
      if (index >= 0 && index < found.bytes.length) {
        text += String.fromCharCode(found.bytes[index]!);
        [code, length] = [0, 0];
      } else if (length === BITS_MAX) throw new Error("HPACK: invalid Huffman code");
    }
  }
  if (length > 7 || code !== 2 ** length - 1) throw new Error("HPACK: invalid Huffman padding");
  return text;
}

function codesByLength(): CodesOfLength[] {
  const all: CodesOfLength[] = [];
  for (let length = 0, code = 0; length <= BITS_MAX; length++, code *= 2) {
    const bytes = Array.from(
      LENGTHS,
      (each, byte) => parseInt(each, 36) === length ? byte : -1,
    ).filter((byte) => byte >= 0);
    all.push({ first: code, bytes });
    code += bytes.length;
  }
  return all;
}
