/**
 * The tables as queries see them, the same on both engines: whole numbers are JavaScript numbers (the adapters refuse what a
 * double cannot hold), byte strings are Buffers, truth values are 0 and 1. What the columns mean: `migrations/`.
 */
import type { Generated } from 'kysely';

export interface Tables {
  readonly pair: {
    no: Generated<number>;
    id: string;
    kind: Generated<string>;
    collection: string;
    left_organization: string;
    left_address: string;
    left_mailbox: string | null;
    right_organization: string;
    right_address: string;
    right_mailbox: string | null;
    state: string;
    stopped_because: string | null;
    pass: number;
    last_pass: string | null;
    ringing: string | null;
    known_since_ms: Generated<number>;
    folders: number;
    links: number;
    quarantined: number;
    bytes_copied: number;
    conflicts: number;
    left_items: number;
  };
  readonly folder: {
    pair_no: number;
    left_hash: Buffer;
    left_id: string;
    row: string;
    left_cursor: string | null;
    right_cursor: string | null;
    left_mark: string | null;
    right_mark: string | null;
  };
  readonly folder_ref: { pair_no: number; hash: Buffer; no: number; id: string };
  readonly link: {
    pair_no: number;
    id: Buffer;
    left_hash: Buffer;
    left_id: string;
    left_folder: number;
    left_version: string;
    left_size: number;
    right_hash: Buffer;
    right_id: string;
    right_folder: number;
    right_version: string | null;
    search_key: Buffer;
    fingerprint: Buffer;
    stamp_key: Buffer;
    state: number;
    gone_pass: number | null;
    touched: string;
  };
  readonly snapshot: { pair_no: number; link_id: Buffer; seen_left: string; seen_right: string | null };
  readonly intent: {
    pair_no: number;
    stamp_key: Buffer;
    stamp: string;
    right_folder: string;
    left_head: string;
    settled_after_ms: number;
    replaces: string | null;
  };
  readonly unclaimed: {
    pair_no: number;
    right_hash: Buffer;
    right_head: string;
    stamp_key: Buffer;
    search_key: Buffer;
    first_id: string;
    fingerprint: Buffer;
  };
  readonly outlived: { pair_no: number; stamp_key: Buffer };
  readonly typed_link: {
    pair_no: number;
    id: Buffer;
    identity_hash: Buffer | null;
    identity: Buffer | null;
    stamp_key: Buffer | null;
    left_hash: Buffer;
    left_id: string;
    left_folder: number;
    left_version: string;
    right_hash: Buffer;
    right_id: string;
    right_folder: number;
    right_version: string;
    state: number;
    gone_pass: number | null;
  };
  readonly typed_snapshot: { pair_no: number; link_id: Buffer; seen_left: string; seen_right: string };
  readonly typed_intent: { pair_no: number; stamp_key: Buffer; row: string };
  readonly unlinked: {
    pair_no: number;
    side: number;
    hash: Buffer;
    folder_hash: Buffer;
    identity_hash: Buffer | null;
    stamp_key: Buffer | null;
    head: string;
  };
  readonly quarantine: {
    pair_no: number;
    left_hash: Buffer;
    left_id: string;
    left_folder: string;
    reason: string;
    detail: string;
    attempts: number;
    since_ms: number;
    item_class: string;
    size_bytes: number;
    retry: number;
  };
  readonly journal: {
    no: Generated<number>;
    pair_no: number;
    at_ms: number;
    link_id: string;
    field: string;
    day: string | null;
    sides: string;
    winner: string;
    why: string;
    restored_at_ms: number | null;
  };
  readonly history: {
    no: Generated<number>;
    pair_no: number;
    pass: number;
    at_ms: number;
    action: string;
    reason: string;
    left_id: string | null;
    right_id: string | null;
    outcome: string;
    detail: string | null;
  };
  readonly deletion: { pair_no: number; at_ms: number; count: number };
  readonly directory_sync: {
    sync: string;
    pass: number;
    left_cursor: string | null;
    right_cursor: string | null;
    left_pinned: string | null;
    right_pinned: string | null;
    last_pass: string | null;
  };
  readonly directory_link: {
    sync: string;
    left_guid: string;
    right_guid: string;
    row: string;
    gone_pass: number | null;
  };
  readonly directory_waiting: {
    sync: string;
    side: number;
    guid: string;
    reason: string;
    detail: string;
    since_ms: number;
  };
  readonly directory_journal: {
    no: Generated<number>;
    sync: string;
    pass: number;
    at_ms: number;
    side: number;
    action: string;
    guid: string | null;
    dn: string;
    sides: string;
    reason: string;
    outcome: string;
    detail: string | null;
  };
  readonly directory_removal: { sync: string; at_ms: number; count: number };
  readonly switching: {
    pair: string;
    state: string;
    active: number;
    run: number;
    at: string | null;
    changed_at_ms: number;
    because: string | null;
  };
  readonly switch_step: {
    no: Generated<number>;
    pair: string;
    run: number;
    step: string;
    direction: string;
    state: string;
    began_at_ms: number;
    ended_at_ms: number | null;
    before: string;
    detail: string | null;
    attempts: number;
  };
  readonly work: {
    key: string;
    lane: string;
    priority: number;
    next_at_ms: number | null;
    generation: number;
    started_generation: number;
    owner: string | null;
    token: number;
    attempts: number;
    dirty_since_ms: number | null;
    next_dirty_ms: number | null;
    wanted_until_ms: number | null;
  };
  readonly budget: {
    name: string;
    in_flight_limit: number | null;
    limit_since_ms: number;
    requests_left: number | null;
    bytes_left: number | null;
    refilled_ms: number;
    backoff_until_ms: number;
    limited_by: string | null;
  };
  readonly budget_lease: { budget: string; holder: string; deadline_ms: number };
}
