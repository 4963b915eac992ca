/** Verify against a lab whose organizations rebuild MIME at every export, over EWS. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { must } from '#kit/assert.ts';
import { isFault } from '#kit/fault.ts';
import type { Item } from '#lab/world/item.ts';
import { rebuildMime } from '#lab/world/rebuild-mime.ts';
import type { ItemId } from '#model/ids.ts';
import type { MailHead, MailState } from '#model/mail.ts';
import { mailStateFields } from '#model/mail-properties.ts';
import { hash128, stampKey } from '#model/stamp.ts';
import { LabPair } from './lab-pair.fixture.ts';
import { contentKinds } from './planted-content.ts';
import { ownMessages, samples } from './samples.fixture.ts';

const messages = [...samples, ...ownMessages];
const order = (seed: string) => (a: { readonly name: string }, b: { readonly name: string }) =>
  hash128(seed + a.name) < hash128(seed + b.name) ? -1 : 1;

/** A rendering without the boundaries, which are others each time. */
function plainly(mime: Buffer): string {
  const text = mime.toString('latin1');
  const boundaries = [...text.matchAll(/boundary="?([^"\s;]+)/gi)].map((match) => match[1] ?? '');
  return boundaries.reduce((rest, boundary) => rest.replaceAll(boundary, ''), text);
}

describe('a lab that rebuilds MIME, 2010 to 2016', () => {
  let pair: LabPair;
  let copies: readonly Item[];

  beforeAll(async () => {
    pair = new LabPair(['2010', '2016'], { rebuildMime: true });
    for (const { mime } of messages) pair.deliver(mime);
    await pair.sync();
    copies = [...pair.right.folder('inbox').items()];
  });
  afterAll(() => pair.close());

  test('nothing was altered, and verify says so', async () => {
    expect(await pair.verify({ propertyLists: { share: 0.1 } })).toMatchObject({
      grade: 'perfect',
      findings: [],
      compared: messages.length,
      contents: messages.length,
    });
  });

  /** Heads of the copies as the target shows them, in the order of `copies`. */
  async function heads(): Promise<readonly MailHead[]> {
    const right = pair.sides.right.mailbox(pair.right.address);
    const signal = new AbortController().signal;
    const call = () => ({ signal, deadlineMs: Number.POSITIVE_INFINITY });
    const folder = must((await right.roles(call())).get('inbox'), 'an inbox');
    const page = await right.changes(folder, null, call());
    expect(page.complete).toBe(true);
    const found = page.changes.flatMap((change) => (change.kind === 'upsert' ? [change.head] : []));
    return found;
  }

  test('a difference of another kind in every copy', async () => {
    const kept = copies.map((item) => item.content);
    const planted: { readonly item: Item; readonly name: string }[] = [];
    for (const item of copies) {
      const { mime } = item.content;
      if (mime === null) continue;
      const before = plainly(await rebuildMime(mime));
      for (const { name, edit } of contentKinds.toSorted(order(hash128(mime.toString('latin1'))))) {
        const edited = edit(mime);
        // Blind copies are a property on a server, and its renderer may drop what was planted.
        if (edited === null || /blind|bcc/.test(name) || plainly(await rebuildMime(edited)) === before) continue;
        item.content = { ...item.content, mime: edited };
        planted.push({ item, name });
        break;
      }
    }
    expect(planted.length).toBeGreaterThan(messages.length * 0.9);
    const { findings } = await pair.verify();
    for (const [n, item] of copies.entries()) item.content = must(kept[n], 'as many contents as copies');
    const found = new Set(findings.map((finding) => finding.right));
    expect(findings.every((finding) => finding.kind === 'content')).toBe(true);
    expect(found.size).toBe(planted.length);
  });

  test('each field of the state, changed on the target', async () => {
    const right = pair.sides.right.mailbox(pair.right.address);
    const changes: Partial<MailState> = {
      isRead: true,
      flagStatus: 2,
      flagRequest: 'Planted',
      flagStartAt: 1_600_000_000_000,
      flagDueAt: 1_600_086_400_000,
      flagCompletedAt: 1_600_086_460_000,
      flagColour: 3,
      toDoFlags: 9,
      categories: ['Planted'],
      importance: 'low',
      sensitivity: 'private',
      lastVerb: 104,
      lastVerbAt: 1_600_000_100_000,
      iconIndex: 0x106,
      processed: true,
      serverProcessed: true,
    };
    expect(Object.keys(changes).sort()).toEqual([...mailStateFields].sort());
    const all = await heads();
    const expected = new Map<ItemId, string>();
    const edits = mailStateFields.map((field, n) => {
      const head = must(all[n], 'an item for each field');
      expected.set(head.id, field);
      return { id: head.id, expect: head.version, set: { [field]: changes[field] }, readReceiptRequested: true };
    });
    const signal = new AbortController().signal;
    for (const answer of await right.update(edits, { signal, deadlineMs: Number.POSITIVE_INFINITY }))
      expect(isFault(answer), JSON.stringify(answer)).toBe(false);
    const { findings, grade } = await pair.verify();
    expect(new Map(findings.map((finding) => [finding.right as ItemId, finding.property]))).toEqual(expected);
    expect(grade).toBe('poor');
    expect(new Set(all.flatMap((head) => (head.stamp ? [stampKey(head.stamp)] : []))).size).toBe(messages.length);
  });
});
