/** Why a request head is refused, answered as Go's net/http does for kube-apiserver. */
export interface HeadFault {
  code: 400 | 505;
  message: string;
}

/** The request line and the raw headers: names and values alternate. */
export interface Head {
  httpVersion: string;
  rawHeaders: readonly string[];
  url?: string | undefined;
}

/**
 * What is wrong with a head that Node's parser lets through. Source: RFC 9112 sections 2.3 and 3.2; the words are those
 * of Go's `net/http` server.
 */
export function headFault({ httpVersion, rawHeaders }: Head): HeadFault | undefined {
  if (httpVersion !== "1.1" && httpVersion !== "1.0") {
    return { code: 505, message: "505 HTTP Version Not Supported: unsupported protocol version" };
  }
  let hosts = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]!;
    if (name.length === 4 && name.toLowerCase() === "host") hosts++;
  }
  if (hosts > 1) return { code: 400, message: "400 Bad Request: too many Host headers" };
  if (hosts === 0 && httpVersion === "1.1") {
    return { code: 400, message: "400 Bad Request: missing required Host header" };
  }
  return undefined;
}
