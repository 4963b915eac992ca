import type { FolderId, ItemId, PairId } from '#model/ids.ts';
import type { Grade } from './grade.ts';

export const findingKinds = ['missing', 'extra', 'duplicate', 'property', 'content', 'folder', 'unreadable'] as const;

/**
 * - `missing`: due on the source, and no copy on the target;
 * - `extra`: a copy of ours whose source item is not there;
 * - `duplicate`: a second copy of one source item;
 * - `property`: a property that the table carries differs;
 * - `content`: something in the decoded message differs;
 * - `folder`: a folder is missing, or named, placed or classed otherwise;
 * - `unreadable`: one side could not hand the item out, so it was not compared.
 */
export type FindingKind = (typeof findingKinds)[number];

/** One difference. Holds no words of anybody: values that may be private are lengths and pieces of hashes. */
export interface Finding {
  readonly kind: FindingKind;
  /** Path of the folder on the source; of the folder on the target for what is only there. */
  readonly folder: string;
  readonly left: ItemId | FolderId | null;
  readonly right: ItemId | FolderId | null;
  /** Field of the property table, `name`, `parent`, `role`, `containerClass`, `stamp`, `folder`, or a place in the content: `attachments[0].sha256`. */
  readonly property: string | null;
  readonly leftValue: string;
  readonly rightValue: string;
  /** Rule of the project or decision of a person that accounts for it; null: nothing does. */
  readonly explainedBy: string | null;
}

/** A property that messages have and the table does not carry, as found in the sample. */
export interface NotCarried {
  /** Name in [MS-OXPROPS]. */
  readonly property: string;
  /** Items of the sample that have it on the source. */
  readonly present: number;
  /** Of those, items whose copy lacks it or has another value. */
  readonly different: number;
}

export interface VerifyReport {
  readonly pair: PairId;
  readonly grade: Grade;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  /** Items of the source that are due and were compared with their copies. */
  readonly compared: number;
  /** Of those, items whose content was decoded and compared. */
  readonly contents: number;
  /** Of those, items whose whole property lists were compared. */
  readonly sampled: number;
  readonly folders: number;
  /** Items that differ in something that nothing explains; folders count as items here. */
  readonly differing: number;
  /** Items missing on the target without an explanation. */
  readonly missing: number;
  /** Copies too many, explained or not. */
  readonly surplus: number;
  /** Source items that are not due, by reason: an excluded folder, a limit of the collection. */
  readonly notDue: Readonly<Record<string, number>>;
  /** Items changed by somebody while verify was reading: their difference is no finding against anybody. */
  readonly inFlight: number;
  /** The first of them, up to `findingsMax`. */
  readonly findings: readonly Finding[];
  /** All of them, by kind. */
  readonly findingCounts: Readonly<Record<FindingKind, { readonly explained: number; readonly unexplained: number }>>;
  readonly notCarried: readonly NotCarried[];
}
