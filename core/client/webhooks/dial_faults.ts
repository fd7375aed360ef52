/** Who was asked over TCP. */
export interface Dialled {
  /** The name in the URL, which is looked up, and for which a certificate must be. */
  name: string;
  host: string;
  port: number;
}

/** The words of Go for what went wrong with a connection. */
export function dialFault(
  error: Error & { code?: string },
  { name, host, port }: Dialled,
): string {
  const dial = `dial tcp ${host}:${port}`;
  switch (error.code) {
    case "ECONNREFUSED":
      return `${dial}: connect: connection refused`;
    case "EHOSTUNREACH":
      return `${dial}: connect: no route to host`;
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return `dial tcp: lookup ${name}: no such host`;
    case "ECONNRESET":
      return "EOF";
    case "UNABLE_TO_VERIFY_LEAF_SIGNATURE":
    case "DEPTH_ZERO_SELF_SIGNED_CERT":
    case "SELF_SIGNED_CERT_IN_CHAIN":
      return "tls: failed to verify certificate: x509: certificate signed by unknown authority";
    case "CERT_HAS_EXPIRED":
      return "tls: failed to verify certificate: x509: certificate has expired or is not yet valid";
    case "ERR_TLS_CERT_ALTNAME_INVALID":
      return `tls: failed to verify certificate: x509: certificate is not valid for ${name}`;
    default:
      return error.message;
  }
}
