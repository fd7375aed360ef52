/**
 * Links in the answers of what is proxied, so that they lead through the proxy again: apimachinery
 * `pkg/util/proxy/transport.go`.
 */

export interface LinkContext {
  /** The path of the proxy, e.g. `/api/v1/namespaces/default/pods/web/proxy`. */
  prefix: string;
  /** Hosts that are the backend's own: its address, and the host that the client asked. */
  hosts: readonly string[];
}

/** A link as the client can follow it. What leads elsewhere, or is relative to the page, stays as it is. */
export function rewrittenLink(link: string, { prefix, hosts }: LinkContext): string {
  const match = /^(?:([A-Za-z][A-Za-z0-9+.-]*):)?(?:\/\/([^/?#]*))?([^?#]*)([\s\S]*)$/.exec(link);
  if (!match) return link;
  const [, scheme, host = "", path = "", rest = ""] = match;
  if (scheme !== undefined && host === "") return link; // mailto:
  if (host !== "" && !hosts.includes(host)) return link;
  if (!path.startsWith("/")) return link;
  if (path.startsWith(prefix)) return path + rest;
  return joined(prefix, path) + rest;
}

/** Go's `path.Join`, with a slash at the end kept. */
function joined(prefix: string, path: string): string {
  const segments: string[] = [];
  for (const segment of `${prefix}/${path}`.split("/")) {
    if (segment === "" || segment === ".") continue;
    if (segment === "..") segments.pop();
    else segments.push(segment);
  }
  return `/${segments.join("/")}${path.endsWith("/") ? "/" : ""}`;
}

/** Attributes that hold a link, by element. */
const LINKS = new Map<string, readonly string[]>(Object.entries({
  a: ["href"],
  applet: ["codebase"],
  area: ["href"],
  audio: ["src"],
  base: ["href"],
  blockquote: ["cite"],
  body: ["background"],
  button: ["formaction"],
  command: ["icon"],
  del: ["cite"],
  embed: ["src"],
  form: ["action"],
  frame: ["longdesc", "src"],
  head: ["profile"],
  html: ["manifest"],
  iframe: ["longdesc", "src"],
  img: ["longdesc", "src", "usemap"],
  input: ["src", "usemap", "formaction"],
  ins: ["cite"],
  link: ["href"],
  object: ["classid", "codebase", "data", "usemap"],
  q: ["cite"],
  script: ["src"],
  source: ["src"],
  video: ["poster", "src"],
}));
/** Elements whose content is text and no markup. */
const RAW_TEXT = new Set(["script", "style", "textarea", "title", "xmp", "iframe", "noembed"]);

/** A page with its links rewritten. Linear in its length; what is no markup stays as it is, byte for byte. */
export function rewrittenPage(page: string, context: LinkContext): string {
  const out: string[] = [];
  let at = 0;
  for (;;) {
    const open = page.indexOf("<", at);
    if (open < 0) break;
    out.push(page.slice(at, open));
    at = open;
    if (page.startsWith("<!--", at)) at = copyTo(page, at, "-->", out);
    else if (!/[A-Za-z]/.test(page[at + 1] ?? "")) {
      out.push("<");
      at++;
    } else {
      const tag = tagAt(page, at);
      if (!tag) break;
      out.push(withLinks(page, tag, context));
      at = tag.end;
      if (RAW_TEXT.has(tag.name)) at = copyTo(page, at, `</${tag.name}`, out);
    }
  }
  out.push(page.slice(at));
  return out.join("");
}

/** Copies up to and with a text, in either case of its letters; all, when it does not come. */
function copyTo(page: string, at: number, text: string, out: string[]): number {
  for (let from = at;;) {
    const found = page.indexOf(text.slice(0, 2), from);
    const end = found < 0 ? page.length : found + text.length;
    if (found < 0 || page.slice(found, end).toLowerCase() === text) {
      out.push(page.slice(at, end));
      return end;
    }
    from = found + 1;
  }
}

interface Tag {
  name: string;
  start: number;
  end: number;
  attributes: readonly { name: string; start: number; end: number }[];
}

/** Global, so that they begin to look at a place. */
const NAME_END = /[\s/>]/g;
const NO_GAP = /[^\s/]/g;
const ATTRIBUTE_END = /[\s/>=]/g;
const NO_SPACE = /[^\s]/g;
const VALUE_END = /[\s>]/g;

/** The start tag at a `<`; `undefined`: it does not end. */
function tagAt(page: string, start: number): Tag | undefined {
  let at = start + 1;
  const until = (pattern: RegExp) => {
    pattern.lastIndex = at;
    const from = at;
    at = pattern.exec(page)?.index ?? page.length;
    return page.slice(from, at);
  };
  const name = until(NAME_END).toLowerCase();
  const attributes: { name: string; start: number; end: number }[] = [];
  while (at < page.length) {
    until(NO_GAP);
    if (page[at] === ">") return { name, start, end: at + 1, attributes };
    const attribute = until(ATTRIBUTE_END).toLowerCase();
    if (attribute === "" && page[at] === "=") at++;
    until(NO_SPACE);
    if (page[at] !== "=") continue;
    at++;
    until(NO_SPACE);
    const quote = page[at];
    if (quote === '"' || quote === "'") {
      const close = page.indexOf(quote, at + 1);
      if (close < 0) return undefined;
      attributes.push({ name: attribute, start: at + 1, end: close });
      at = close + 1;
    } else {
      const from = at;
      until(VALUE_END);
      attributes.push({ name: attribute, start: from, end: at });
    }
  }
  return undefined;
}

function withLinks(
  page: string,
  { name, start, end, attributes }: Tag,
  context: LinkContext,
): string {
  const wanted = LINKS.get(name);
  if (!wanted) return page.slice(start, end);
  let text = "";
  let at = start;
  for (const attribute of attributes) {
    if (!wanted.includes(attribute.name)) continue;
    const link = page.slice(attribute.start, attribute.end).replaceAll("&amp;", "&");
    const rewritten = rewrittenLink(link, context);
    if (rewritten === link) continue;
    text += page.slice(at, attribute.start) + escaped(rewritten);
    at = attribute.end;
  }
  return text + page.slice(at, end);
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll('"', "&#34;").replaceAll("'", "&#39;")
    .replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
