const SPACE: ReadonlySet<string | undefined> = new Set([" ", "\t", "\r", "\n"]);

/** Index of the first character from `at` on that is not white space. */
export function afterSpace(text: string, at: number): number {
  while (SPACE.has(text[at])) at++;
  return at;
}

/** Index of the quote that ends the string around `at`, which is after its opening quote; -1 when there is none. */
export function endOfString(text: string, at: number): number {
  for (let end = text.indexOf('"', at); end >= 0; end = text.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (text[end - 1 - backslashes] === "\\") backslashes++;
    if (backslashes % 2 === 0) return end;
  }
  return -1;
}
