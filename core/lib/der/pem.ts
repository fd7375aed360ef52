const PEM_LINE = /.{1,64}/g;

/** Bytes as PEM: https://www.rfc-editor.org/rfc/rfc7468 */
export function pem(label: string, bytes: Uint8Array): string {
  const lines = bytes.toBase64().match(PEM_LINE) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ""].join("\n");
}
