/**
 * Replaces `$(NAME)` by the variable's value. `$$` stands for a dollar sign, so `$$(NAME)` stays `$(NAME)`;
 * what names no known variable stays as it is. Source: k8s.io/kubernetes/third_party/forked/golang/expansion.
 */
export function expand(text: string, variables: Readonly<Record<string, string>>): string {
  return text.replace(/\$(?:\$|\(([^)]*)\))/g, (whole, name: string | undefined) => {
    if (name === undefined) return "$";
    return Object.hasOwn(variables, name) ? variables[name]! : whole;
  });
}
