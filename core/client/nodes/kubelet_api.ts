/** What is asked of a kubelet over HTTP, by GET. */
export interface KubeletRequest {
  /** With a slash in front and none behind. */
  path: string;
  /** Without the question mark. */
  query: string;
}

export interface KubeletAnswer {
  status: number;
  /** Content type. */
  type: string;
  /** At the pace of its reader; whoever leaves it early ends the answer. */
  body: AsyncIterable<Uint8Array>;
}

/** The HTTP routes of a kubelet, as the agent of a node serves them: directly or through its tunnel. */
export interface KubeletApi {
  /** What is asked for; a path that is not served is answered with 404. */
  ask(request: KubeletRequest, signal: AbortSignal): Promise<KubeletAnswer>;
}

/** A whole answer. */
export function textAnswer(status: number, type: string, text: string): KubeletAnswer {
  const bytes = new TextEncoder().encode(text);
  return {
    status,
    type,
    body: (async function* () {
      yield await Promise.resolve(bytes);
    })(),
  };
}
