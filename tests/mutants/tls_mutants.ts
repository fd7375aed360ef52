import type { Mutant } from "./mutants.ts";

const SOCKET = "proxy/tls/tls_socket.ts";
const CERTIFICATES = "core/traffic/certificates.ts";
const TLS_TESTS = ["proxy/tls"];
const CERTIFICATE_TESTS = ["core/traffic/certificates_test.ts", "core/controllers/gateway"];

/** Planted bugs in listeners that speak TLS, and in what they show. */
export const TLS_MUTANTS: readonly Mutant[] = [
  {
    name: "a request by TLS takes the route of any host of its port",
    file: "proxy/exchange/exchange.ts",
    search: "if (serverName !== undefined && host !== matcher.hostNamed(serverName)) {",
    replace: "if (serverName === undefined && host !== matcher.hostNamed(serverName ?? '')) {",
    tests: TLS_TESTS,
  },
  {
    name: "a star in a certificate stands for several labels",
    file: "proxy/tls/tls_hosts.ts",
    search: "return dot > 0 && serverName.slice(dot) === name.slice(1);",
    replace: "return dot > 0 && serverName.endsWith(name.slice(1));",
    tests: TLS_TESTS,
  },
  {
    name: "a certificate that has changed is shown as it was",
    file: "proxy/threads/tls_receiver.ts",
    search: "contexts.use((next as HttpListener).hosts); // the key holds the protocol",
    replace: "",
    tests: TLS_TESTS,
  },
  {
    name: "whoever speaks no TLS is left without an answer",
    file: SOCKET,
    search: "this.#socket.send(answer, 0, answer.length);",
    replace: "",
    tests: TLS_TESTS,
  },
  {
    name: "key updates without end are taken",
    file: SOCKET,
    search: "? session.silentBytes > SILENT_BYTES_MAX",
    replace: "? session.silentBytes < 0",
    tests: TLS_TESTS,
  },
  {
    name: "only the first record of what came is read",
    file: "core/lib/linux/tls_stream.ts",
    search: "} while (session.hasMore);",
    replace: "} while (false);",
    tests: TLS_TESTS,
  },
  {
    name: "a ClientHello in two records is not understood",
    file: "proxy/tls/client_hello.ts",
    search: "at = start + length;",
    replace: "at = bytes.length;",
    tests: TLS_TESTS,
  },
  {
    name: "a key that is not its certificate's is shown",
    file: CERTIFICATES,
    search: "if (!createPublicKey(createPrivateKey(key)).equals(own.publicKey)) {",
    replace: "if (createPrivateKey(key) === undefined) {",
    tests: CERTIFICATE_TESTS,
  },
  {
    name: "a Secret of another namespace is shown without a grant",
    file: CERTIFICATES,
    search: "if (mayRefer(from, to, view)) return",
    replace: "if (mayRefer(from, to, view) || name !== '') return",
    tests: CERTIFICATE_TESTS,
  },
  {
    name: "a grant for one kind lets all kinds in",
    file: "core/traffic/reference_grants.ts",
    search: "group === from.group && kind === from.kind && namespace === from.namespace",
    replace: "group === from.group && kind !== '' && namespace === from.namespace",
    tests: CERTIFICATE_TESTS,
  },
  {
    name: "a node reads the certificates of Gateways that are on others",
    file: "core/api/access/nodes/certificate_secrets.ts",
    search: "|| !isPlacedOn(gateway, labels)) continue;",
    replace: "|| labels === undefined && isPlacedOn(gateway, labels)) continue;",
    tests: ["core/api/watch/feed/node_feeds_test.ts"],
  },
  {
    name: "a node keeps the certificates of Gateways that are gone",
    file: "core/api/watch/feed/node_feeds.ts",
    search: "for (const { gone } of changes) this.#tellAll(gone);",
    replace: "",
    tests: ["core/api/watch/feed/node_feeds_test.ts"],
  },
  {
    name: "a port speaks two protocols",
    file: "core/traffic/listener_conflicts.ts",
    search: "return claim.listener.protocol !== protocol;",
    replace: "return claim.listener.protocol === '' && protocol !== '';",
    tests: ["core/traffic/listener_conflicts_test.ts"],
  },
  {
    name: "a listener without a certificate is told to be open",
    file: "core/traffic/own_gateways.ts",
    search: "(tls?.certificates.length === 0 ? tls.fault : undefined)",
    replace: "(tls?.certificates.length === -1 ? tls.fault : undefined)",
    tests: ["core/traffic/own_gateways_test.ts", "core/controllers/gateway"],
  },
  {
    name: "an Ingress shows a star's certificate where it names a host's own",
    file: "core/traffic/own_ingresses.ts",
    search: ".sort((a, b) => b.length - a.length);\n  return byHost",
    replace: ".sort((a, b) => a.length - b.length);\n  return byHost",
    tests: ["proxy/table/ingress_routes_test.ts"],
  },
];
