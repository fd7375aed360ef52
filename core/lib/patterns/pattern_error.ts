/** A text that is no regular expression; the message is Go's. */
export class PatternError extends Error {
  constructor(fault: string, part?: string) {
    super(`error parsing regexp: ${fault}${part === undefined ? "" : `: \`${part}\``}`);
    this.name = "PatternError";
  }
}
