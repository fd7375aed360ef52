import { type Ingress, ingresses } from "../../../../../resources/networking/ingresses.ts";
import { type RoutedRollout, RoutingError } from "../../port/traffic_writer.ts";

type Rule = NonNullable<Ingress["spec"]["rules"]>[number];
type Path = NonNullable<Rule["http"]>["paths"][number];

/** An Ingress of the rollout's namespace. */
export function ingressOf({ rollout, objects }: RoutedRollout, name: string): Ingress {
  const { namespace } = rollout.metadata;
  const ingress = objects.get(ingresses, { namespace, name });
  if (ingress !== undefined) return ingress;
  throw new RoutingError(`ingress.networking.k8s.io "${name}" not found`);
}

/** Those that the rollout names: the list, or the one. */
export function ingressNames(
  one: string | undefined,
  several: readonly string[] | undefined,
): readonly string[] {
  return several ?? (one === undefined ? [] : [one]);
}

export function hasPathTo(ingress: Ingress, service: string): boolean {
  return rulesOf(ingress).some((rule) => pathsOf(rule).some((path) => serviceOf(path) === service));
}

export function rulesOf({ spec }: Ingress): readonly Rule[] {
  return spec.rules ?? [];
}

export function pathsOf(rule: Rule): readonly Path[] {
  return rule.http?.paths ?? [];
}

export function serviceOf(path: Path): string | undefined {
  return path.backend.service?.name;
}

/** The Ingress with other paths in the rules that have any. */
export function withPaths(
  ingress: Ingress,
  change: (paths: readonly Path[]) => Path[],
): Ingress {
  const rules = rulesOf(ingress).map((rule) =>
    rule.http ? { ...rule, http: { ...rule.http, paths: change(rule.http.paths) } } : rule
  );
  return { ...ingress, spec: { ...ingress.spec, rules } };
}

export function withAnnotations(
  ingress: Ingress,
  annotations: Record<string, string>,
): Ingress {
  return { ...ingress, metadata: { ...ingress.metadata, annotations } };
}
