import type { View } from "../client/client.ts";
import type { WebhookAddress } from "../client/webhooks/webhook_transport.ts";
import type { WebhookClientConfig } from "../resources/admissionregistration/webhook_shape.ts";
import { serviceBackend } from "./service_backends.ts";

/**
 * Where a webhook answers: at its URL, or at one of the ready endpoints of its Service. `turn`: a number that grows, so
 * that each endpoint gets its share. `fault`: why nobody can be asked, in the words of kube-apiserver.
 */
export function webhookAddress(
  view: View,
  { url, service, caBundle }: WebhookClientConfig,
  turn: number,
): WebhookAddress | { fault: string } {
  const ca = caBundle ? { caPem: atob(caBundle) } : {};
  if (url !== undefined) return { url: new URL(url), ...ca };
  const { namespace = "", name = "", path = "", port } = service!; // one of both is there, by the rules of the kind
  const backend = serviceBackend(view, { namespace, name, port });
  if (backend.state === "invalid") {
    return { fault: `service "${name}" not found` };
  }
  const { endpoints } = backend;
  const endpoint = endpoints[turn % endpoints.length];
  if (!endpoint) return { fault: `no endpoints available for service "${name}"` };
  const host = `${name}.${namespace}.svc`;
  const target = new URL(`https://${host}:${port}/`);
  target.pathname = path;
  return { url: target, endpoint: { address: endpoint.address, port: endpoint.port }, ...ca };
}
