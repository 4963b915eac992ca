import type { ItemRef, Mailbox } from '#connectors/contract.ts';
import { batchBySize } from '#engine/batches.ts';
import { describeFault, type Fault, isFault } from '#kit/fault.ts';
import { type Payload, payloadBytes } from '#kit/payload.ts';
import type { FolderId, ItemId } from '#model/ids.ts';
import type { MailContent, MailHead, RawProperty } from '#model/mail.ts';
import { readStamp } from '#model/stamp.ts';
import { readSplit } from '../read-split.ts';
import { type ClassLook, compareClassProperties } from './compare-class-properties.ts';
import { compareContents } from './compare-contents.ts';
import { compareProperties } from './compare-properties.ts';
import { comparePropertyLists } from './compare-property-lists.ts';
import type { Finding } from './report.ts';
import type { VerifyContext } from './verify-context.ts';

/** A source item and the item that stands for it on the target. */
export interface ItemPair {
  readonly left: ItemId;
  readonly leftFolder: FolderId;
  /** As the feed showed it: batches are planned by it. */
  readonly sizeBytes: number;
  readonly right: ItemId;
  /** Where the copy belongs; null: its folder has no counterpart. */
  readonly rightFolder: FolderId | null;
  /** As the feeds have shown both with everything: where a head is a request of its own, it is read once. Absent: read now. */
  readonly leftHead?: MailHead;
  readonly rightHead?: MailHead;
}

/** What a look at a pair showed. */
export interface Look {
  readonly pair: ItemPair;
  readonly findings: readonly Omit<Finding, 'explainedBy'>[];
  /** The source item is no more under this id: it was moved or removed meanwhile. */
  readonly leftGone: boolean;
  readonly rightGone: boolean;
  readonly leftHead: MailHead | null;
  readonly decoded: boolean;
}

/** Contents held in memory for a comparison. Larger ones are compared byte by byte as they stream, and reported when that is not enough. */
const decodedMaxBytes = 64 << 20;

/** Reads both sides of these pairs, and compares. Batches keep to what both connectors take. */
export async function compareItems(context: VerifyContext, pairs: readonly ItemPair[]): Promise<readonly Look[]> {
  const { left, right } = context;
  const full = pairs.filter((pair) => context.takesContent(pair.left));
  const light = pairs.filter((pair) => !full.includes(pair));
  const countMax = Math.min(left.abilities.batchMax, right.abilities.batchMax);
  const bytesMax = Math.min(left.abilities.batchMaxBytes, right.abilities.batchMaxBytes);
  const looks: Look[] = [];
  for (const batch of batchBySize(full, (pair) => pair.sizeBytes, countMax, bytesMax))
    looks.push(...(await compareContentsOf(context, batch)));
  for (const batch of batchBySize(light, () => 0, countMax, bytesMax))
    looks.push(...(await compareHeadsOf(context, batch)));
  await comparePropertyLists(
    context,
    pairs.filter((pair) => context.takesPropertyList(pair.left)),
  );
  return looks;
}

async function compareHeadsOf(context: VerifyContext, pairs: readonly ItemPair[]): Promise<readonly Look[]> {
  const read = async (box: Mailbox, ids: readonly ItemId[]) =>
    ids.length === 0 ? new Map<ItemId, MailHead | Fault>() : box.heads(ids, context.call());
  const [lefts, rights] = await Promise.all([
    read(
      context.leftBox,
      pairs.flatMap(({ left, leftHead }) => (leftHead === undefined ? [left] : [])),
    ),
    read(
      context.rightBox,
      pairs.flatMap(({ right, rightHead }) => (rightHead === undefined ? [right] : [])),
    ),
  ]);
  const looks = pairs.map((pair) =>
    lookAt(context, pair, pair.leftHead ?? lefts.get(pair.left), pair.rightHead ?? rights.get(pair.right)),
  );
  const ofClass = await classLooks(context, looks);
  return looks.map((look) => withClass(context, look, ofClass.get(look.pair.left)));
}

/** What items have because of what they are, of those that are there on both sides. */
const classLooks = (context: VerifyContext, looks: readonly Look[]): Promise<ReadonlyMap<ItemId, ClassLook>> =>
  compareClassProperties(
    context,
    looks.flatMap(({ pair, leftHead, leftGone, rightGone }) =>
      leftHead === null || leftGone || rightGone ? [] : [{ left: pair.left, right: pair.right, head: leftHead }],
    ),
  );

function withClass(context: VerifyContext, look: Look, ofClass: ClassLook | undefined): Look {
  if (ofClass === undefined) return look;
  const at = { folder: context.leftPath(look.pair.leftFolder), left: look.pair.left, right: look.pair.right };
  const { differences, unread } = ofClass;
  return {
    ...look,
    findings: [
      ...look.findings,
      ...(unread === null
        ? []
        : [
            {
              ...at,
              kind: 'unreadable' as const,
              property: 'class properties',
              leftValue: readable(unread.left),
              rightValue: readable(unread.right),
            },
          ]),
      ...differences.map(({ property, left, right }) => ({
        ...at,
        kind: 'property' as const,
        property,
        leftValue: left,
        rightValue: right,
      })),
    ],
  };
}

async function compareContentsOf(context: VerifyContext, pairs: readonly ItemPair[]): Promise<readonly Look[]> {
  const [lefts, rights] = await Promise.all([
    readContents(
      context,
      context.leftBox,
      pairs.map(({ left: id, sizeBytes, leftHead: head }) => ({ id, sizeBytes, ...(head && { head }) })),
    ),
    readContents(
      context,
      context.rightBox,
      pairs.map(({ right: id, sizeBytes, rightHead: head }) => ({ id, sizeBytes, ...(head && { head }) })),
    ),
  ]);
  try {
    const seen = pairs.map((pair) => {
      const [l, r] = [lefts.get(pair.left), rights.get(pair.right)];
      return lookAt(context, pair, l && !isFault(l) ? l.head : l, r && !isFault(r) ? r.head : r);
    });
    const ofClass = await classLooks(context, seen);
    const looks: Look[] = [];
    for (const one of seen) {
      const { pair } = one;
      const look = withClass(context, one, ofClass.get(pair.left));
      const [l, r] = [lefts.get(pair.left), rights.get(pair.right)];
      if (!l || !r || isFault(l) || isFault(r)) looks.push(look);
      else {
        const saysMeeting = ofClass.get(pair.left)?.saysMeeting === true;
        const found = await contentFindings(context, pair, l, r, saysMeeting);
        looks.push({ ...look, decoded: true, findings: [...look.findings, ...found] });
      }
    }
    return looks;
  } finally {
    for (const content of [...lefts.values(), ...rights.values()]) if (!isFault(content)) await content.mime.dispose();
  }
}

const readContents = (
  context: VerifyContext,
  mailbox: Mailbox,
  items: readonly ItemRef[],
): Promise<ReadonlyMap<ItemId, MailContent | Fault>> =>
  readSplit(items, context.signal, (batch) =>
    mailbox.contents(batch, context.call(batch.reduce((sum, item) => sum + item.sizeBytes, 0))),
  );

function lookAt(
  context: VerifyContext,
  pair: ItemPair,
  left: MailHead | Fault | undefined,
  right: MailHead | Fault | undefined,
): Look {
  const gone = (answer: MailHead | Fault | undefined) =>
    answer !== undefined && isFault(answer) && answer.kind === 'gone';
  const look: Look = {
    pair,
    findings: [],
    leftGone: gone(left),
    rightGone: gone(right),
    leftHead: left && !isFault(left) ? left : null,
    decoded: false,
  };
  if (look.leftGone || look.rightGone) return look;
  const at = (
    kind: Finding['kind'],
    property: string | null,
    leftValue: string,
    rightValue: string,
  ): Omit<Finding, 'explainedBy'> => ({
    kind,
    folder: context.leftPath(pair.leftFolder),
    left: pair.left,
    right: pair.right,
    property,
    leftValue,
    rightValue,
  });
  if (!left || !right || isFault(left) || isFault(right))
    return { ...look, findings: [at('unreadable', null, readable(left), readable(right))] };
  const findings = compareProperties(left, right).map((one) => at('property', one.property, one.left, one.right));
  if (pair.rightFolder !== null && right.folder !== pair.rightFolder)
    findings.push(at('property', 'folder', context.leftPath(pair.leftFolder), context.rightPath(right.folder)));
  const stamp = right.stamp === null ? null : readStamp(right.stamp);
  if (stamp?.organization !== context.pair.left.organization || stamp.mailbox !== context.leftMailbox)
    findings.push(at('property', 'stamp', 'of this mailbox', stamp === null ? 'absent' : 'of another mailbox'));
  else if (stamp.searchKey !== (left.facts.searchKey ?? ''))
    findings.push(at('property', 'stamp', 'of this item', 'of another item'));
  return { ...look, findings };
}

function readable(answer: MailHead | readonly RawProperty[] | Fault | undefined): string {
  if (answer === undefined) return 'not answered';
  return isFault(answer) ? describeFault(answer) : 'readable';
}

async function contentFindings(
  context: VerifyContext,
  pair: ItemPair,
  left: MailContent,
  right: MailContent,
  saysMeeting: boolean,
): Promise<readonly Omit<Finding, 'explainedBy'>[]> {
  const at = { folder: context.leftPath(pair.leftFolder), left: pair.left, right: pair.right };
  if (Math.max(left.mime.sizeBytes, right.mime.sizeBytes) > decodedMaxBytes) {
    if (await sameBytes(left.mime, right.mime)) return [];
    const size = (content: MailContent) => `${content.mime.sizeBytes} bytes`;
    return [
      {
        ...at,
        kind: 'unreadable',
        property: 'mime',
        leftValue: `${size(left)}: too large to decode`,
        rightValue: size(right),
      },
    ];
  }
  const found = compareContents(
    { mime: await payloadBytes(left.mime), bcc: left.bcc, item: left.head },
    { mime: await payloadBytes(right.mime), bcc: right.bcc },
    saysMeeting,
  );
  return found.map((one) => ({
    ...at,
    kind: 'content',
    property: one.path,
    leftValue: one.left,
    rightValue: one.right,
  }));
}

async function sameBytes(left: Payload, right: Payload): Promise<boolean> {
  if (left.sizeBytes !== right.sizeBytes) return false;
  const others = right.bytes()[Symbol.asyncIterator]();
  let rest: Uint8Array = Buffer.alloc(0);
  try {
    for await (const chunk of left.bytes()) {
      for (let at = 0; at < chunk.length; ) {
        if (rest.length === 0) {
          const next = await others.next();
          if (next.done) return false;
          rest = next.value;
        }
        const length = Math.min(rest.length, chunk.length - at);
        if (Buffer.compare(chunk.subarray(at, at + length), rest.subarray(0, length)) !== 0) return false;
        rest = rest.subarray(length);
        at += length;
      }
    }
    return true;
  } finally {
    await others.return?.();
  }
}
