/** Who asks, as reviews, webhooks and policies see it: authentication.k8s.io/v1 UserInfo. */
export interface UserInfo {
  readonly name: string;
  readonly groups: readonly string[];
  readonly uid?: string;
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}
