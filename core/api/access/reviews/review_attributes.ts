import { type Cause, invalid, missing } from "../../../schema/causes.ts";
import { list, object, required, string, type TypeOf } from "../../../schema/schema.ts";
import { parseFieldSelector } from "../../../schema/field_selectors.ts";
import { SelectorError } from "../../../schema/selectors.ts";
import type { Attributes } from "../../http/request_info.ts";

function selector(what: string) {
  return object(what, {
    rawSelector: string("As in a query."),
    requirements: list(
      "All of them hold.",
      object("One of them.", {
        key: required(string("What is looked at.")),
        operator: required(string("`In`, `NotIn`, `Exists` or `DoesNotExist`.")),
        values: list("What it is compared with.", string("Value.")),
      }),
    ),
  });
}

/** https://kubernetes.io/docs/reference/kubernetes-api/authorization-resources/ */
export const accessFields = {
  resourceAttributes: object("A request for objects.", {
    namespace: string("Where; all namespaces when empty."),
    verb: string("What is to be done; `*` for anything."),
    group: string("API group of the kind; `*` for all."),
    version: string("Version; `*` for all."),
    resource: string("The kind, in the plural; `*` for all."),
    subresource: string("Subresource."),
    name: string("Name of the object; empty for all."),
    fieldSelector: selector("To which objects a list is narrowed, by fields."),
    labelSelector: selector("To which objects a list is narrowed, by labels."),
  }),
  nonResourceAttributes: object("Another request.", {
    path: string("Path of the URL."),
    verb: string("Method, in small letters."),
  }),
};
const accessSpec = object("What is asked.", accessFields);
type AccessSpec = TypeOf<typeof accessSpec>;
type Selector = NonNullable<NonNullable<AccessSpec["resourceAttributes"]>["fieldSelector"]>;

/** Source: k8s.io/kubernetes/pkg/apis/authorization/validation. */
export function accessCauses(
  { resourceAttributes: about, nonResourceAttributes: path }: AccessSpec,
): Cause[] {
  const both = "cannot be specified in combination with resourceAttributes";
  const none = "exactly one of nonResourceAttributes or resourceAttributes must be specified";
  return [
    ...(about && path ? [invalid("spec.nonResourceAttributes", path, both)] : []),
    ...(!about && !path ? [invalid("spec.resourceAttributes", null, none)] : []),
    ...selectorCauses("spec.resourceAttributes.fieldSelector", about?.fieldSelector),
    ...selectorCauses("spec.resourceAttributes.labelSelector", about?.labelSelector),
  ];
}

function selectorCauses(field: string, selector: Selector | undefined): Cause[] {
  if (!selector) return [];
  const { rawSelector, requirements = [] } = selector;
  if (rawSelector && requirements.length > 0) {
    const why = "may not specified at the same time as requirements";
    return [invalid(`${field}.rawSelector`, rawSelector, why)];
  }
  if (rawSelector || requirements.length > 0) return [];
  const why = `when ${field} is specified, requirements or rawSelector is required`;
  return [missing(`${field}.requirements`, why)];
}

/** What is asked about, in the words of a request. `fault`: what of it could not be taken into account. */
export function attributesOf(
  { resourceAttributes: about, nonResourceAttributes: path }: AccessSpec,
): { attributes: Attributes; fault?: string } {
  if (!about) {
    const { verb = "", path: of = "" } = path ?? {};
    return { attributes: { isResource: false, verb, path: of } };
  }
  const { text, fault } = fieldSelectorText(about.fieldSelector);
  return {
    attributes: {
      isResource: true,
      verb: about.verb ?? "",
      group: about.group ?? "",
      resource: about.resource ?? "",
      subresource: about.subresource || undefined,
      namespace: about.namespace || undefined,
      name: about.name || undefined,
      fieldSelector: text,
    },
    ...(fault && { fault }),
  };
}

/** What is not understood is left out: it could only have narrowed what is asked for. */
function fieldSelectorText(
  { rawSelector, requirements = [] }: Selector = {},
): { text: string; fault?: string } {
  const about = "spec.resourceAttributes.fieldSelector";
  if (rawSelector) {
    return isFieldSelector(rawSelector)
      ? { text: rawSelector }
      : { text: "", fault: `${about} ignored due to parse error` };
  }
  const parts = requirements.flatMap(({ key, operator, values = [] }) =>
    values.length === 1 && Object.hasOwn(OPERATORS, operator)
      ? [`${key}${OPERATORS[operator as keyof typeof OPERATORS]}${escaped(values[0]!)}`]
      : []
  );
  const text = parts.join(",");
  if (parts.length === requirements.length) return { text };
  return {
    text,
    fault: `${about} ${parts.length > 0 ? "partially ignored" : "ignored"} due to parse error`,
  };
}
const OPERATORS = { In: "=", NotIn: "!=" } as const;

function escaped(value: string): string {
  return value.replace(/[\\,=]/g, "\\$&");
}

function isFieldSelector(text: string): boolean {
  try {
    parseFieldSelector(text);
    return true;
  } catch (error) {
    if (error instanceof SelectorError) return false;
    throw error;
  }
}
