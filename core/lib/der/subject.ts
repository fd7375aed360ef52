import { TAGS } from "./der.ts";
import { oid, sequence, utf8, written } from "./der_writer.ts";

/** Whom a certificate names. */
export interface Subject {
  commonName: string;
  organization?: string | readonly string[];
  /** What tells apart those who have had the name one after the other. */
  uid?: string;
}

/** Of users of Kubernetes: `AllowParsingUserUIDFromCertAuth`. */
export const USER_UID = "1.3.6.1.4.1.57683.2";
const COMMON_NAME = oid("2.5.4.3");
const ORGANIZATION = oid("2.5.4.10");

/** The name as DER. */
export function subjectName({ commonName, organization, uid }: Subject): Uint8Array {
  const part = (type: Uint8Array, text: string) => written(TAGS.set, sequence(type, utf8(text)));
  return sequence(
    ...[organization ?? []].flat().map((one) => part(ORGANIZATION, one)),
    part(COMMON_NAME, commonName),
    ...(uid === undefined ? [] : [part(oid(USER_UID), uid)]),
  );
}
