import type { Side } from '#model/ids.ts';

/** A write that a pass decided on. A plan holds these, and nothing of them was done. */
export interface PlannedWrite {
  readonly action:
    | 'create-folder'
    | 'rename-folder'
    | 'move-folder'
    | 'remove-folder'
    | 'create'
    | 'update'
    | 'move'
    | 'remove'
    | 'replace';
  /** Where it would be written; absent: on the target. */
  readonly side?: Side;
  readonly reason: string;
  /** Path of the folder on the source. */
  readonly folder: string;
  readonly left: string | null;
  readonly right: string | null;
  readonly bytes: number;
  readonly detail: string | null;
}
