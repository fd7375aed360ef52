// deno-lint-ignore-file camelcase -- the names are those that etcd answers with
/** What is sent to etcd and what comes back, of https://etcd.io/docs/v3.4/dev-guide/api_reference_v3/: numbers of 64 bits are text, bytes are Base64. */
export interface KeyValue {
  key: string;
  value?: string;
  create_revision: string;
  mod_revision: string;
  lease?: string;
}

export interface RangeAnswer {
  header: { revision: string };
  kvs?: KeyValue[];
  more?: boolean;
}

export interface TransactionAnswer {
  header: { revision: string };
  succeeded?: boolean;
  responses?: { response_range?: RangeAnswer }[];
}

export interface WatchAnswer {
  header: { revision: string };
  created?: boolean;
  canceled?: boolean;
  compact_revision?: string;
  cancel_reason?: string;
  events?: { type?: "PUT" | "DELETE"; kv: KeyValue }[];
}

export type Compare =
  & { key: string; result: "EQUAL" }
  & (
    | { target: "CREATE"; createRevision: string }
    | { target: "MOD"; modRevision: string }
    | { target: "LEASE"; lease: string }
  );

export type Operation =
  | { requestPut: { key: string; value: string; lease?: string } }
  | { requestDeleteRange: { key: string; rangeEnd?: string } }
  | { requestRange: RangeRequest };

export interface RangeRequest {
  key: string;
  rangeEnd?: string;
  limit?: number;
  revision?: string;
  keysOnly?: boolean;
}
