import type { ProviderParts } from "./provider.ts";
import { type AwsCredentials, signature } from "./aws_signature.ts";

interface CredentialOptions {
  region: string;
  /** Section of the file of credentials; empty: what the environment says. */
  profile: string;
  /** Role that is taken on; empty: none. */
  roleArn: string;
}

const TIMEOUT_MS = 10_000;

/**
 * The credentials of the server: of its environment, or of its `~/.aws/credentials`; those of a role are asked for anew
 * each time. What a machine of Amazon's would say of itself is not asked for. Rejects when there are none.
 */
export async function awsCredentials(
  { region, profile, roleArn }: CredentialOptions,
  parts: ProviderParts,
  signal: AbortSignal,
): Promise<AwsCredentials> {
  const own = (profile === "" ? ofEnvironment(parts) : undefined) ??
    await ofFile(profile || parts.environment("AWS_PROFILE") || "default", parts);
  if (own === undefined) {
    throw new Error(
      "could not get SigV4 credentials: NoCredentialProviders: no valid providers in chain",
    );
  }
  return roleArn === "" ? own : await ofRole(roleArn, { region, own, parts }, signal);
}

function ofEnvironment({ environment }: ProviderParts): AwsCredentials | undefined {
  const id = environment("AWS_ACCESS_KEY_ID");
  const secret = environment("AWS_SECRET_ACCESS_KEY");
  const token = environment("AWS_SESSION_TOKEN");
  return id && secret ? { id, secret, ...(token && { token }) } : undefined;
}

/** https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-files.html */
async function ofFile(
  profile: string,
  { homeFile }: ProviderParts,
): Promise<AwsCredentials | undefined> {
  const text = await homeFile(".aws/credentials") ?? "";
  const fields = new Map<string, string>();
  let section = "";
  for (const line of text.split("\n")) {
    section = /^\s*\[\s*(.+?)\s*\]/.exec(line)?.[1] ?? section;
    const [, name, value] = /^\s*(\w+)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    if (section === profile && name !== undefined) fields.set(name, value ?? "");
  }
  const id = fields.get("aws_access_key_id");
  const secret = fields.get("aws_secret_access_key");
  const token = fields.get("aws_session_token");
  return id && secret ? { id, secret, ...(token && { token }) } : undefined;
}

/** https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html */
async function ofRole(
  roleArn: string,
  { region, own, parts }: { region: string; own: AwsCredentials; parts: ProviderParts },
  signal: AbortSignal,
): Promise<AwsCredentials> {
  if (!/^[a-z0-9-]+$/.test(region)) throw new Error(`region "${region}" is none of Amazon's`);
  const url = new URL(`https://sts.${region}.amazonaws.com/`);
  const form = {
    Action: "AssumeRole",
    Version: "2011-06-15",
    RoleArn: roleArn,
    RoleSessionName: "coracle",
  };
  const request = { method: "POST", url, body: new URLSearchParams(form).toString() };
  const signed = signature(request, {
    service: "sts",
    region,
    credentials: own,
    nowMs: parts.nowMs(),
  });
  const type = ["Content-Type", "application/x-www-form-urlencoded"] as const;
  const sent = { ...request, headers: [type, ...signed], timeoutMs: TIMEOUT_MS };
  const { status, body } = await parts.send(sent, signal);
  const text = new TextDecoder().decode(body);
  const field = (name: string) => new RegExp(`<${name}>([^<]+)</${name}>`).exec(text)?.[1];
  const [id, secret] = [field("AccessKeyId"), field("SecretAccessKey")];
  const token = field("SessionToken");
  if (status !== 200 || !id || !secret) {
    const why = field("Message") ?? `status ${status}`;
    throw new Error(`failed to sign request: cannot take on the role "${roleArn}": ${why}`);
  }
  return { id, secret, ...(token && { token }) };
}
