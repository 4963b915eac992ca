import type { Change } from '#model/change.ts';
import { rowOfClass } from '#model/class-properties.ts';
import type { FolderId, ItemId, MailboxGuid, Version } from '#model/ids.ts';
import {
  aliveAgain,
  isFieldUpdating,
  isOrphanId,
  isUpdating,
  type LinkRow,
  type TouchedAspect,
  type UnclaimedRow,
} from '#model/link.ts';
import { isDraft, type MailHead, type MailState, type MailStateField, mailFingerprint } from '#model/mail.ts';
import type { MailPolicy } from '#model/policy.ts';
import { firstIdOf, readStamp, type StampKey, stampKey } from '#model/stamp.ts';
import { changedFields, mergeState, type StateMerge } from './merge-state.ts';

/** What is known about the entries of a page of the source's feed. */
export interface LeftKnowledge {
  readonly byLeftId: ReadonlyMap<ItemId, LinkRow>;
  /** Links that share the search key of an entry that has no link, or the fingerprint, where neither has a search key. */
  readonly alike: readonly LinkRow[];
  /** Copies on the target without a link that share search key or fingerprint with an entry. */
  readonly unclaimed: readonly UnclaimedRow[];
  /** Ids of the source, asked for by `leftQuestions`, under which nothing is any more. */
  readonly gone: ReadonlySet<ItemId>;
  readonly policy: MailPolicy;
  /** Target folder of a source folder; null: not copied. */
  readonly rightFolderOf: (left: FolderId) => FolderId | null;
  /** The target, whose items came back to the source when a switch was undone: they carry its stamp here. */
  readonly target: { readonly organization: string; readonly mailbox: MailboxGuid };
  /** Links of entries that have no link under their id and carry such a stamp. */
  readonly byStamp: ReadonlyMap<StampKey, readonly LinkRow[]>;
}

/** What is to be done about one item of the source. */
export type LeftDecision =
  | { readonly do: 'create'; readonly head: MailHead }
  | { readonly do: 'adopt'; readonly head: MailHead; readonly copy: UnclaimedRow }
  | {
      readonly do: 'follow';
      readonly link: LinkRow;
      /** Null when only the read flag is known to have changed. */
      readonly head: MailHead | null;
      readonly state: MailState;
      /** Target folder to move to; null: it is where it belongs. */
      readonly moveTo: FolderId | null;
      readonly merge: StateMerge;
      /** The content may have been edited: compare before anything is concluded. */
      readonly inspect: boolean;
      /** It is more than mail, and clients change what it is without changing anything else: compare its properties. */
      readonly inspectClass: boolean;
    }
  /** On the source and linked, nothing to do; the link records what was seen. */
  | { readonly do: 'see'; readonly link: LinkRow }
  | {
      readonly do: 'leave';
      readonly head: MailHead;
      readonly because: 'no-mail' | 'before-since' | 'after-until' | 'over-size-limit' | 'came-from-target';
    }
  | { readonly do: 'missing'; readonly link: LinkRow };

/**
 * Ids to look up before a page can be understood: an entry without a link that shares its search key and fingerprint with a
 * linked item is either that item moved (the old id is gone) or a copy of it.
 */
export function leftQuestions(
  changes: readonly Change[],
  known: Pick<LeftKnowledge, 'byLeftId' | 'alike' | 'byStamp'>,
): readonly ItemId[] {
  const candidates = movedCandidates(known.alike);
  const ask = new Set<ItemId>();
  for (const change of changes) {
    if (change.kind !== 'upsert' || known.byLeftId.has(change.head.id)) continue;
    for (const link of returnedAs(change.head, known.byStamp)) ask.add(link.leftId);
    for (const link of candidatesOf(candidates, change.head)) if (!isOrphanId(link.leftId)) ask.add(link.leftId);
  }
  return [...ask];
}

/** Joins a page of the source's feed with what is recorded, and decides. Each link and each copy is used once. */
export function joinLeft(changes: readonly Change[], known: LeftKnowledge): readonly LeftDecision[] {
  const candidates = movedCandidates(known.alike);
  const free = new Set(known.unclaimed);
  const usedLinks = new Set<string>();
  const decisions: LeftDecision[] = [];
  const heads: MailHead[] = [];
  for (const change of changes) {
    if (change.kind === 'unreadable') continue;
    const id = change.kind === 'upsert' ? change.head.id : change.id;
    const link = known.byLeftId.get(id);
    if (change.kind === 'delete') {
      if (link && !usedLinks.has(link.id)) decisions.push({ do: 'missing', link });
    } else if (link) {
      usedLinks.add(link.id);
      decisions.push(
        change.kind === 'upsert' ? follow(link, change.head, known) : followReadFlag(link, change.isRead, known),
      );
    } else if (change.kind === 'upsert') {
      heads.push(change.head);
    }
  }
  // Exact stamps first, so that of several equal copies each finds its own.
  const exact = new Map<MailHead, UnclaimedRow>();
  const byFirstId = new Map<string, UnclaimedRow>([...free].map((row) => [row.firstId, row]));
  if (free.size > 0) {
    for (const head of heads) {
      const row = byFirstId.get(firstIdOf(head.id));
      if (row && free.delete(row)) exact.set(head, row);
    }
  }
  for (const head of heads) {
    const returned = returnedAs(head, known.byStamp);
    const moved = [...returned, ...candidatesOf(candidates, head)].find(
      (l) => !usedLinks.has(l.id) && (isOrphanId(l.leftId) || known.gone.has(l.leftId)),
    );
    if (moved && !exact.has(head)) {
      usedLinks.add(moved.id);
      decisions.push(follow(moved, head, known));
      continue;
    }
    const copy = exact.get(head) ?? firstMatch(free, head, known.rightFolderOf(head.folder));
    if (copy) {
      free.delete(copy);
      decisions.push({ do: 'adopt', head, copy });
      continue;
    }
    // Its original is there. One whose original is linked otherwise is a copy that a person made, and new.
    const isTheirs = returned.length === 0 && !known.policy.carriesOurs && cameFrom(head, known.target);
    const because = isTheirs ? 'came-from-target' : leaveReason(head, known.policy);
    decisions.push(because ? { do: 'leave', head, because } : { do: 'create', head });
  }
  // A moved item's delete may stand in the same page as its create elsewhere: the link lives on.
  return decisions.filter((d) => !(d.do === 'missing' && usedLinks.has(d.link.id)));
}

/**
 * What follows for a linked item from how the source shows it now.
 * @param adopted The link was just made for a copy that was there already.
 */
export function follow(
  link: LinkRow,
  head: MailHead,
  known: Pick<LeftKnowledge, 'policy' | 'rightFolderOf'>,
  adopted = false,
): LeftDecision {
  const moved = head.id !== link.leftId;
  // Versions of different items say nothing about each other, nor may the former one be recorded as the new one's.
  const leftVersion = moved ? ('' as Version) : link.leftVersion;
  const found: LinkRow = { ...link, leftId: head.id, leftFolder: head.folder, leftVersion };
  let alive: LinkRow = link.state === 'left-gone' ? aliveAgain(found) : found;
  // What was last agreed stays recorded, so that nothing is missed when the copy turns up again.
  if (alive.state === 'right-gone') return { do: 'see', link: alive };
  const target = known.rightFolderOf(head.folder);
  if (target === link.rightFolder)
    alive = { ...alive, touched: alive.touched.filter((a) => a !== 'folder' && a !== 'moving') };
  const placedByPerson = alive.touched.includes('folder') && known.policy.conflict === 'target';
  const moveTo = target !== null && target !== link.rightFolder && !placedByPerson ? target : null;
  const merge = mergeOf(link, head.state, known.policy);
  const newVersion = head.version !== leftVersion;
  // A new version says only that something happened. A move or changed state explains it, unless the mail says otherwise; what is left is
  // compared, which costs a read on both sides and never a wrong write.
  const isUnexplained = !moved && !adopted && changedFields(link.seenLeft, head.state).length === 0;
  const inspect = newVersion && (isUnexplained || contentMayDiffer(link, head));
  const inspectClass = newVersion && rowOfClass(head.facts.itemClass) !== null;
  if (
    moveTo === null &&
    !inspect &&
    !inspectClass &&
    Object.keys(merge.set).length === 0 &&
    merge.conflicts.length === 0
  ) {
    return { do: 'see', link: { ...seenNow(alive, head), touched: touchedAfter(alive, merge) } };
  }
  return { do: 'follow', link: alive, head, state: head.state, moveTo, merge, inspect, inspectClass };
}

/** Recorded once everything that follows from what the source shows has been carried out. */
export function seenNow(link: LinkRow, head: MailHead): LinkRow {
  return {
    ...link,
    seenLeft: head.state,
    leftVersion: head.version,
    leftSizeBytes: head.facts.sizeBytes,
    fingerprint: mailFingerprint(head.facts),
  };
}

function followReadFlag(link: LinkRow, isRead: boolean, known: LeftKnowledge): LeftDecision {
  // What was last agreed stays recorded, so that nothing is missed when the copy turns up again.
  if (link.state === 'right-gone') return { do: 'see', link };
  // It is there; but of what else changed while it was missed a read flag says nothing, so it goes on waiting to be looked at.
  const alive: LinkRow =
    link.state === 'left-gone' ? { ...aliveAgain(link), state: 'left-gone', goneSincePass: null } : link;
  const state = { ...link.seenLeft, isRead };
  const merge = mergeOf(link, state, known.policy);
  if (Object.keys(merge.set).length === 0 && merge.conflicts.length === 0)
    return { do: 'see', link: { ...alive, seenLeft: state, touched: touchedAfter(alive, merge) } };
  return { do: 'follow', link: alive, head: null, state, moveTo: null, merge, inspect: false, inspectClass: false };
}

/**
 * A read flag moves no mark, so that the target need not have been asked whether one of ours arrived whose answer was lost. It is written once
 * more: the source may show by now what it showed before it.
 */
function mergeOf(link: LinkRow, state: MailState, { conflict }: MailPolicy): StateMerge {
  const aspects = stateAspects(link);
  const merge = mergeState(link.seenLeft, state, link.seenRight, aspects, conflict);
  const isOpen = isFieldUpdating(link, 'isRead') && !aspects.includes('isRead');
  return isOpen ? { ...merge, set: { ...merge.set, isRead: state.isRead } } : merge;
}

/** The touched aspects of a link after a merge: state fields as the merge left them, folder and content as they were. */
export function touchedAfter(link: LinkRow, merge: StateMerge): LinkRow['touched'] {
  return [...link.touched.filter((a) => !isState(a)), ...merge.touched];
}

const isState = (aspect: TouchedAspect): aspect is MailStateField =>
  aspect !== 'folder' &&
  aspect !== 'content' &&
  aspect !== 'class' &&
  aspect !== 'moving' &&
  aspect !== 'removing' &&
  !isUpdating(aspect);

/** The state fields among what was touched. */
export const stateAspects = (link: LinkRow): readonly MailStateField[] => link.touched.filter(isState);

/** Whether the content of a mail that has another version may be another one, too: only a comparison tells. */
export const contentMayDiffer = (link: Pick<LinkRow, 'fingerprint' | 'leftSizeBytes'>, { facts }: MailHead): boolean =>
  isDraft(facts) || mailFingerprint(facts) !== link.fingerprint || facts.sizeBytes !== link.leftSizeBytes;

const returnedAs = (head: MailHead, byStamp: LeftKnowledge['byStamp']): readonly LinkRow[] =>
  head.stamp === null ? [] : (byStamp.get(stampKey(head.stamp)) ?? []);

/** Whether an item of one mailbox is a copy that we made of an item of the other. */
export function cameFrom(head: Pick<MailHead, 'stamp'>, mailbox: LeftKnowledge['target']): boolean {
  const stamp = head.stamp === null ? null : readStamp(head.stamp);
  return stamp !== null && stamp.organization === mailbox.organization && stamp.mailbox === mailbox.mailbox;
}

const identityOf = (head: MailHead): string => `${head.facts.searchKey ?? ''} ${mailFingerprint(head.facts)}`;

function movedCandidates(links: readonly LinkRow[]): ReadonlyMap<string, readonly LinkRow[]> {
  const map = new Map<string, LinkRow[]>();
  for (const link of links) {
    const key = `${link.searchKey} ${link.fingerprint}`;
    map.set(key, [...(map.get(key) ?? []), link]);
  }
  return map;
}

/** Most pages of a first copy have no candidate at all, and then no fingerprint is needed. */
function candidatesOf(candidates: ReadonlyMap<string, readonly LinkRow[]>, head: MailHead): readonly LinkRow[] {
  return candidates.size === 0 ? [] : (candidates.get(identityOf(head)) ?? []);
}

/** A free copy of the same mail; the one that already is in the right folder, when there is a choice. */
function firstMatch(
  free: ReadonlySet<UnclaimedRow>,
  head: MailHead,
  folder: FolderId | null,
): UnclaimedRow | undefined {
  if (free.size === 0) return undefined;
  const fingerprint = mailFingerprint(head.facts);
  const same = [...free].filter((r) => r.fingerprint === fingerprint && r.searchKey === (head.facts.searchKey ?? ''));
  return same.find((r) => r.right.folder === folder) ?? same[0];
}

/** Appointments and the like that somebody put into a mail folder, most of them by deleting them: what a server calls their MIME is no message. */
const noMail = /^IPM\.(?:Appointment|Contact|DistList|Task|StickyNote|Activity)(?:\.|$)/i;

/** An event, contact, task or note that lies in a folder of mail, such as one that was deleted. */
export const isNoMail = (head: MailHead): boolean => noMail.test(head.facts.itemClass);

/** Why an item that was not copied yet stays on the source; null when it is due. */
export function leaveReason(head: MailHead, policy: MailPolicy) {
  if (isNoMail(head)) return 'no-mail';
  const at = head.facts.receivedAt ?? head.facts.sentAt ?? head.facts.createdAt;
  if (policy.since !== null && at !== null && at < policy.since) return 'before-since';
  if (policy.until !== null && at !== null && at >= policy.until) return 'after-until';
  if (policy.itemMaxBytes !== null && head.facts.sizeBytes > policy.itemMaxBytes) return 'over-size-limit';
  return null;
}
