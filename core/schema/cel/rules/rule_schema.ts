import type { StructuralSchema } from "../shapes/shapes.ts";

/** An entry of `x-kubernetes-validations`. */
export interface Rule {
  readonly rule: string;
  readonly message?: string;
  readonly messageExpression?: string;
  readonly reason?: string;
  readonly fieldPath?: string;
  readonly optionalOldSelf?: boolean;
}

/** A schema that can have rules, itself and in what it describes. */
export interface RuleSchema extends StructuralSchema {
  readonly properties?: Readonly<Record<string, RuleSchema>>;
  readonly additionalProperties?: RuleSchema | boolean;
  readonly items?: RuleSchema;
  readonly allOf?: readonly RuleSchema[];
  readonly "x-kubernetes-validations"?: readonly Rule[];
}
