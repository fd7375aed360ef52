/** What is wrong with an expression, or with what it was given; the message is that of antonmedv/expr. */
export class ExpressionError extends Error {
  override name = "ExpressionError";
}
