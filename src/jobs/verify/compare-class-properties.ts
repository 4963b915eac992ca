import type { Mailbox } from '#connectors/contract.ts';
import { classDifferences, hasProperty } from '#engine/class-differences.ts';
import { type Fault, isFault } from '#kit/fault.ts';
import { type ClassRow, isMeetingClass, meetingProperties, rowOfClass } from '#model/class-properties.ts';
import type { ItemId } from '#model/ids.ts';
import type { MailHead, RawProperty } from '#model/mail.ts';
import { readSplit } from '../read-split.ts';
import { hashed } from './compare-properties.ts';
import type { VerifyContext } from './verify-context.ts';

/** A property that items of a class have besides their MIME and that is not the same on both sides. */
export interface ClassDifference {
  readonly property: string;
  readonly left: string;
  readonly right: string;
}
export interface ClassLook {
  readonly differences: readonly ClassDifference[];
  /** What each side answered when one of them did not show its properties; null: both did. */
  readonly unread: { readonly left: Answer; readonly right: Answer } | null;
  /** Properties say which meeting it is about: the iCalendar of its MIME is made of them, by each server in its own way. */
  readonly saysMeeting: boolean;
}

type Answer = readonly RawProperty[] | Fault | undefined;

/** Ids of one item and its copy, and what the source showed of it. */
interface Both {
  readonly left: ItemId;
  readonly right: ItemId;
  readonly head: MailHead;
}

/** Looks at items that are more than mail, by the id on the source; those that are gone on a side by now are left out. */
export async function compareClassProperties(
  context: VerifyContext,
  items: readonly Both[],
): Promise<ReadonlyMap<ItemId, ClassLook>> {
  const sorts = new Map<ClassRow, Both[]>();
  for (const item of items) {
    const row = rowOfClass(item.head.facts.itemClass);
    if (row !== null) sorts.set(row, [...(sorts.get(row) ?? []), item]);
  }
  const looks = new Map<ItemId, ClassLook>();
  for (const [row, some] of sorts) {
    const wanted = row.properties.map(({ property }) => property);
    const read = (box: Mailbox, ids: readonly ItemId[]) =>
      readSplit(
        ids.map((id) => ({ id })),
        context.signal,
        (batch) =>
          box.properties(
            batch.map(({ id }) => id),
            wanted,
            context.call(),
          ),
      );
    const [lefts, rights] = await Promise.all([
      read(
        context.leftBox,
        some.map(({ left }) => left),
      ),
      read(
        context.rightBox,
        some.map(({ right }) => right),
      ),
    ]);
    for (const { head, left: id, right: rightId } of some) {
      const [left, right] = [lefts.get(id), rights.get(rightId)];
      if (isGone(left) || isGone(right)) continue;
      const isMeeting = isMeetingClass(head.facts.itemClass);
      if (!left || !right || isFault(left) || isFault(right)) {
        looks.set(id, { differences: [], unread: { left, right }, saysMeeting: isMeeting });
        continue;
      }
      looks.set(id, {
        differences: classDifferences(row, left, right).map((one) => ({
          property: one.name,
          left: shown(one.left),
          right: shown(one.right),
        })),
        unread: null,
        saysMeeting: isMeeting && hasProperty(left, meetingProperties.globalObjectId),
      });
    }
  }
  return looks;
}

const isGone = (answer: Answer): boolean => answer !== undefined && isFault(answer) && answer.kind === 'gone';

const shown = (raw: RawProperty | undefined): string => (raw === undefined ? 'absent' : hashed(raw.values.join('\n')));
