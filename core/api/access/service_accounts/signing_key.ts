import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from "node:crypto";

/** A public key as RFC 7517 writes it. */
export type PublicJwk = Readonly<Record<"kty" | "crv" | "x" | "y" | "use" | "kid" | "alg", string>>;

/** Where keys are kept, by name. */
export interface KeyStore {
  /** `undefined` when there is none. */
  read(name: string): Promise<string | undefined>;
  /** Whole or not at all. `secret`: for the owner's eyes only. */
  write(name: string, text: string, options: { secret: boolean }): Promise<void>;
}

const FILE = "sa.key";
const CURVE = "prime256v1";
/** RFC 7518 3.4: the two halves of the signature, not DER. */
const ENCODING = "ieee-p1363";

/** The key that signs the tokens of service accounts: ES256, RFC 7518. */
export class SigningKey {
  static readonly algorithm = "ES256";
  /** Kubernetes' name of a key: SHA-256 of the public one, in base64url. */
  readonly id: string;
  /** For those who check tokens themselves. */
  readonly jwk: PublicJwk;
  readonly #private: KeyObject;
  readonly #public: KeyObject;

  /** `pem`: a private key of P-256. Throws for any other. */
  constructor(pem: string) {
    this.#private = createPrivateKey(pem);
    this.#public = createPublicKey(this.#private);
    if (this.#private.asymmetricKeyDetails?.namedCurve !== CURVE) {
      throw new Error(`Cannot use the key of service accounts, "${FILE}": it is not one of P-256`);
    }
    const der = this.#public.export({ type: "spki", format: "der" });
    this.id = createHash("sha256").update(der).digest("base64url");
    const { x = "", y = "" } = this.#public.export({ format: "jwk" });
    const { algorithm: alg } = SigningKey;
    this.jwk = { use: "sig", kty: "EC", kid: this.id, crv: "P-256", alg, x, y };
  }

  /** The public key as PEM. */
  get publicPem(): string {
    return this.#public.export({ type: "spki", format: "pem" }) as string; // as asked for
  }

  sign(text: string): string {
    const key = { key: this.#private, dsaEncoding: ENCODING } as const;
    return sign("sha256", new TextEncoder().encode(text), key).toString("base64url");
  }

  /** `signature`: in base64url. Never throws. */
  verifies(text: string, signature: string): boolean {
    const bytes = Uint8Array.fromBase64(signature, { alphabet: "base64url" });
    if (bytes.length !== 64) return false;
    const key = { key: this.#public, dsaEncoding: ENCODING } as const;
    return verify("sha256", new TextEncoder().encode(text), key, bytes);
  }
}

/** A new private key, as PEM. */
export function newSigningKey(): string {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: CURVE });
  return privateKey.export({ type: "pkcs8", format: "pem" }) as string; // as asked for
}

/** Reads the key, and makes one when there is none. Servers that share a store must share it, too. */
export async function loadSigningKey(store: KeyStore): Promise<SigningKey> {
  const known = await store.read(FILE);
  if (known !== undefined) return new SigningKey(known);
  const pem = newSigningKey();
  await store.write(FILE, pem, { secret: true });
  return new SigningKey(pem);
}
