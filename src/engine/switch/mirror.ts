/**
 * The same correspondence seen from the other side. After a switch the person works in the target, so that on the way back the target is
 * what the source was: the pair's links and folders, turned round, let an ordinary mail pass carry back what came in and what was
 * changed there, and turned round again they tell the passes that go on afterwards what is where.
 */
import type { Version } from '#model/ids.ts';
import type { FolderRow, LinkRow, TouchedAspect } from '#model/link.ts';
import { isUpdating } from '#model/link.ts';
import type { MailHead, MailState, MailStateField } from '#model/mail.ts';
import { mailFingerprint } from '#model/mail.ts';

const noField: ReadonlySet<TouchedAspect> = new Set<TouchedAspect>([
  'folder',
  'content',
  'class',
  'moving',
  'removing',
]);

/** State fields that a person changed on the target since the sides agreed. */
const touchedFields = ({ touched }: LinkRow): readonly MailStateField[] =>
  touched.filter((aspect): aspect is MailStateField => !noField.has(aspect) && !isUpdating(aspect));

/**
 * A link for the way back; null: there is nothing on the target that could be carried back under it (a copy that was removed before the
 * switch stays removed, and its original stays).
 */
export function mirrorLink(link: LinkRow): LinkRow | null {
  if (link.state !== 'live') return null;
  const shown = link.seenRight ?? link.seenLeft;
  // What was last agreed, so that what the person changed since is seen as a change.
  const agreed: Partial<Record<MailStateField, unknown>> = {};
  for (const field of touchedFields(link)) agreed[field] = link.seenLeft[field];
  return {
    ...link,
    leftId: link.rightId,
    leftFolder: link.rightFolder,
    leftVersion: link.rightVersion ?? ('' as Version),
    rightId: link.leftId,
    rightFolder: link.leftFolder,
    rightVersion: link.leftVersion === '' ? null : link.leftVersion,
    touched: [],
    seenLeft: { ...shown, ...(agreed as Partial<MailState>) },
    seenRight: link.seenLeft,
  };
}

/** A folder for the way back; null: it has no counterpart. Both feeds are read from the beginning: that is safe and seldom done. */
export function mirrorFolder(row: FolderRow): FolderRow | null {
  if (row.right === null || row.rightGone || row.excluded !== null) return null;
  return {
    left: row.right,
    right: row.left,
    leftParent: row.rightParent,
    rightParent: row.leftParent,
    leftName: row.rightName ?? row.leftName,
    rightName: row.leftName,
    containerClass: row.containerClass,
    role: row.role,
    excluded: null,
    leftCursor: null,
    rightCursor: null,
    leftMark: null,
    rightMark: null,
    goneSincePass: null,
    rightGone: false,
  };
}

/**
 * A link of the way back as the passes from source to target know it.
 *
 * @param before The link that it was mirrored from; null: the item came in on the target.
 * @param source What the source shows of an item that came back; null: not known, so it will be compared.
 */
export function mirrorBack(link: LinkRow, before: LinkRow | null, source: MailHead | null): LinkRow {
  return {
    ...link,
    leftId: link.rightId,
    leftFolder: link.rightFolder,
    leftVersion: source?.version ?? link.rightVersion ?? ('' as Version),
    rightId: link.leftId,
    rightFolder: link.leftFolder,
    rightVersion: link.leftVersion === '' ? null : link.leftVersion,
    searchKey: source?.facts.searchKey ?? before?.searchKey ?? link.searchKey,
    fingerprint: source ? mailFingerprint(source.facts) : (before?.fingerprint ?? link.fingerprint),
    leftSizeBytes: source?.facts.sizeBytes ?? before?.leftSizeBytes ?? link.leftSizeBytes,
    state: 'live',
    goneSincePass: null,
    touched: [],
    seenLeft: source?.state ?? link.seenRight ?? link.seenLeft,
    seenRight: link.seenLeft,
  };
}
