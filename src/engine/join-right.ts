import type { Change } from '#model/change.ts';
import type { ItemId, MailboxGuid } from '#model/ids.ts';
import {
  type IntentRow,
  isFieldUpdating,
  isOnItsWay,
  isUpdating,
  type LinkRow,
  type TouchedAspect,
  type UnclaimedRow,
} from '#model/link.ts';
import type { MailHead, MailState, MailStateField } from '#model/mail.ts';
import { mailProperties } from '#model/mail-properties.ts';
import { readStamp, type StampKey, stampKey } from '#model/stamp.ts';
import { isNoMail } from './join-left.ts';
import { changedFields, flagFields, mergeSet, sameValue } from './merge-state.ts';

/** What is known about the entries of a page of the target's feed. */
export interface RightKnowledge {
  readonly byRightId: ReadonlyMap<ItemId, LinkRow>;
  /** Several under one stamp, when a person's copy of a copy was linked after a loss of the database. */
  readonly byStamp: ReadonlyMap<StampKey, readonly LinkRow[]>;
  readonly intents: ReadonlyMap<StampKey, IntentRow>;
  /** Creates that are on their way in this very pass: their own answer will link them. */
  readonly inFlight: ReadonlySet<StampKey>;
  /** Ids of the target, asked for by `rightQuestions`, under which nothing is any more. */
  readonly gone: ReadonlySet<ItemId>;
  /** Whose stamps are ours in this pair. */
  readonly source: { readonly organization: string; readonly mailbox: MailboxGuid };
  readonly pass: number;
}

export interface RightJoin {
  /** Links with what the target shows now. */
  readonly links: readonly LinkRow[];
  /** Creates whose answer was lost: they did happen. */
  readonly adopted: readonly { readonly intent: IntentRow; readonly head: MailHead }[];
  /** Copies of ours that belong to no link: after a loss of the database, or copies that a person made. */
  readonly unclaimed: readonly UnclaimedRow[];
  /** Items that are unclaimed no more, if they were: they are gone, or have a link, so that nothing else may claim them. */
  readonly taken: readonly ItemId[];
  /** Links whose source item is gone and whose copy we removed, although no answer said so: neither side has anything left. */
  readonly ended: readonly LinkRow[];
}

/**
 * Ids that have to be looked up before a page of the target's feed can be understood: an item that carries the stamp of a link
 * under another id was either moved (the old id is gone) or copied by a person (the old one is still there).
 */
export function rightQuestions(
  changes: readonly Change[],
  known: Pick<RightKnowledge, 'byRightId' | 'byStamp'>,
): readonly ItemId[] {
  const ask = new Set<ItemId>();
  for (const change of changes) {
    if (change.kind !== 'upsert' || known.byRightId.has(change.head.id) || change.head.stamp === null) continue;
    for (const link of known.byStamp.get(stampKey(change.head.stamp)) ?? [])
      if (link.state !== 'right-gone') ask.add(link.rightId);
  }
  return [...ask];
}

/** Copies that wait for their removal, since another is to replace them or has done so. Those without a link are nobody's to claim. */
export const copiesToReplace = (intents: readonly IntentRow[]): ReadonlySet<ItemId> =>
  new Set(intents.flatMap((i) => (i.replaces ? [i.replaces.right] : [])));

/** Joins a page of the target's feed with what is recorded. Echoes of our own writes end here. */
export function joinRight(changes: readonly Change[], known: RightKnowledge): RightJoin {
  const links = new Map<string, LinkRow>();
  const adopted: { intent: IntentRow; head: MailHead }[] = [];
  const unclaimed: UnclaimedRow[] = [];
  const taken: ItemId[] = [];
  const ended: LinkRow[] = [];
  const answered = new Set<StampKey>();
  const replaced = copiesToReplace([...known.intents.values()]);
  const current = (link: LinkRow): LinkRow => links.get(link.id) ?? link;
  const put = (link: LinkRow) => links.set(link.id, link);

  for (const change of changes) {
    if (change.kind === 'unreadable') continue;
    const id = change.kind === 'upsert' ? change.head.id : change.id;
    const byId = known.byRightId.get(id);
    if (byId) {
      const link = current(byId);
      // A link that a moved item has taken along in this very page has another id by now; the entry is about the past.
      if (link.rightId !== id) continue;
      if (change.kind === 'delete' && link.state === 'left-gone' && link.touched.includes('removing')) {
        // Kept as a link, another copy of the same mail on the source would take it over, and seem to be removed by a person.
        ended.push(link);
        links.delete(link.id);
      } else if (change.kind === 'delete')
        put({ ...link, state: link.state === 'left-gone' ? 'left-gone' : 'right-gone', goneSincePass: known.pass });
      else if (change.kind === 'read-flag')
        put(observeState(link, { ...(link.seenRight ?? link.seenLeft), isRead: change.isRead }, null));
      else put(observeRight(link, change.head));
      continue;
    }
    if (change.kind === 'delete') {
      taken.push(id);
      continue;
    }
    if (change.kind === 'read-flag' || change.head.stamp === null) continue;
    const { head } = change;
    const key = stampKey(change.head.stamp);
    const stamped = known.byStamp.get(key) ?? [];
    const moved = stamped
      .filter((s) => current(s).rightId === s.rightId)
      .map(current)
      .find((l) => l.state === 'right-gone' || known.gone.has(l.rightId));
    if (moved) {
      put(
        observeRight(
          {
            ...moved,
            rightId: head.id,
            // Missed for a while: what the source did meanwhile was not followed, so it has to be looked at once more.
            state: moved.state === 'right-gone' ? 'left-gone' : moved.state,
            goneSincePass: moved.state === 'right-gone' ? null : moved.goneSincePass,
          },
          head,
        ),
      );
      taken.push(head.id);
      continue;
    }
    if (known.inFlight.has(key) || replaced.has(head.id)) continue;
    const intent = known.intents.get(key);
    if (intent && stamped.length === 0 && !answered.has(key)) {
      answered.add(key);
      adopted.push({ intent, head });
      taken.push(head.id);
      continue;
    }
    // A copy of an event that somebody deleted is no copy of a mail.
    const stamp = isNoMail(head) ? null : readStamp(change.head.stamp);
    if (!stamp || stamp.organization !== known.source.organization || stamp.mailbox !== known.source.mailbox) continue;
    unclaimed.push({
      right: head,
      stampKey: key,
      searchKey: stamp.searchKey,
      firstId: stamp.firstId,
      fingerprint: stamp.fingerprint,
    });
  }
  return { links: [...links.values()], adopted, unclaimed, taken, ended };
}

/** A link with what the target shows of its copy now; what differs from before, and is not the echo of our write, was touched. */
export function observeRight(link: LinkRow, head: MailHead): LinkRow {
  const elsewhere = head.folder !== link.rightFolder;
  const ours = link.touched.includes('moving');
  const rest = elsewhere ? link.touched.filter((a) => a !== 'moving' && a !== 'folder') : link.touched;
  const touched: readonly TouchedAspect[] = elsewhere && !ours ? [...rest, 'folder'] : rest;
  const placed = { ...link, rightFolder: head.folder, touched };
  const echo = link.rightVersion === head.version;
  return observeState({ ...placed, rightVersion: head.version }, head.state, echo ? 'echo' : null);
}

function observeState(link: LinkRow, state: MailState, origin: 'echo' | null): LinkRow {
  const seen = observeUpdate(link, state, origin);
  if (link.seenRight === null || origin === 'echo') return { ...seen, seenRight: state };
  const touched = new Set<TouchedAspect>(seen.touched);
  for (const field of changedFields(link.seenRight, state)) {
    if (sameValue(field, state[field], seen.seenLeft[field])) touched.delete(field);
    else if (!isOfUpdate(link, field, state)) touched.add(field);
  }
  return { ...seen, seenRight: state, touched: [...touched] };
}

/** Fields of a follow-up flag mean something together only: a server may set one when we write another. */
const isOfUpdate = (link: LinkRow, field: MailStateField, state: MailState): boolean =>
  isFieldUpdating(link, field)
    ? isOnItsWay(link, field, state[field])
    : flagFields.includes(field) && flagFields.some((f) => isFieldUpdating(link, f));

/**
 * The first change after an update of ours whose answer was not recorded is that update. What it wrote is what the source showed at
 * that time: were it forgotten, the source could go back to what it had been before, and nothing would seem to have changed there.
 */
function observeUpdate(link: LinkRow, state: MailState, origin: 'echo' | null): LinkRow {
  if (!link.touched.some(isUpdating)) return link;
  const before = link.seenRight ?? link.seenLeft;
  const ours = changedFields(before, state).filter((f) => isOnItsWay(link, f, state[f]));
  if (ours.length === 0 && origin === 'echo') return link;
  const shown = ours.map((f) => [
    f,
    mailProperties[f].merge === 'set'
      ? mergeSet(before[f] as readonly string[], state[f] as readonly string[], link.seenLeft[f] as readonly string[])
      : state[f],
  ]);
  const seenLeft = { ...link.seenLeft, ...(Object.fromEntries(shown) as Partial<MailState>) };
  return { ...link, seenLeft, touched: link.touched.filter((a) => !isUpdating(a)) };
}
