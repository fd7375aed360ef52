const PODS = "/api/v1/namespaces/default/pods";
const GATEWAY_API = "/apis/gateway.networking.k8s.io/v1";

export function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

/** A pod that says what its clients speak, behind a Gateway on `port`. */
export function routedPod(port: number): [path: string, object: object][] {
  const program = `Deno.serve({ hostname: Deno.env.get("POD_IP"), port: 8080 }, ({ headers }) =>
    new Response("the pod, asked over " + headers.get("x-forwarded-proto")))`;
  const env = [{ name: "POD_IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } }];
  const command = [Deno.execPath(), "eval", program];
  const gateway = { group: "gateway.networking.k8s.io", kind: "Gateway", name: "gw" };
  const metadata = (name: string) => ({ name, labels: { app: "web" } });
  return [
    [PODS, {
      metadata: metadata("web"),
      spec: { containers: [{ name: "web", image: "none", command, env }] },
    }],
    ["/api/v1/namespaces/default/services", {
      metadata: metadata("web"),
      spec: { selector: { app: "web" }, ports: [{ port: 80, targetPort: 8080 }] },
    }],
    [`${GATEWAY_API}/namespaces/default/gateways`, {
      metadata: metadata("gw"),
      spec: {
        gatewayClassName: "coracle",
        listeners: [{ name: "web", protocol: "HTTP", port }],
      },
    }],
    [`${GATEWAY_API}/namespaces/default/httproutes`, {
      metadata: metadata("web"),
      spec: { parentRefs: [gateway], rules: [{ backendRefs: [{ name: "web", port: 80 }] }] },
    }],
  ];
}
