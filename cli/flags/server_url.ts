import { InvalidArgumentError } from "commander";

/** `https://HOST:PORT`, without a path. */
export function serverUrl(text: string): string {
  const url = URL.parse(text);
  if (url?.protocol !== "https:") {
    throw new InvalidArgumentError("It must be a URL such as https://192.0.2.1:6443.");
  }
  return url.origin;
}
