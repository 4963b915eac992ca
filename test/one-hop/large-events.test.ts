/** Appointments with large files go to Exchange Online, and stay in step there. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { must } from '#kit/assert.ts';
import { Person } from '#lab/meetings/person.ts';
import type { Item } from '#lab/world/item.ts';
import type { Mailbox } from '#lab/world/mailbox.ts';
import { key } from '#lab/world/property.ts';
import { trackId } from '#store/store.ts';
import { OneHop } from './one-hop.fixture.ts';

const hour = 3_600_000;
const content = Buffer.alloc(5_000_000, 'a slide of many ');
const events = (box: Mailbox): readonly Item[] => [...box.folder('calendar').items()];
const titles = (box: Mailbox) => events(box).map((item) => item.text(key.subject));

describe('an appointment with files of 5 MB, from 2010 to online', () => {
  let hop: OneHop;
  const person = (box: Mailbox) => new Person(hop.lab.meetings, box);
  beforeAll(async () => {
    hop = await OneHop.open({
      organizations: [
        { name: 'source', version: '2010' },
        { name: 'target', version: 'online' },
      ],
    });
    const start = Math.ceil(hop.clock.nowMs() / hour) * hour + 24 * hour;
    const box = hop.source();
    const item = person(box).book({ subject: 'Review', startMs: start, endMs: start + hour });
    const file = { no: 1, name: 'deck.pptx', contentType: 'application/octet-stream', contentId: null };
    const attachments = [{ ...file, isInline: false, content, itemXml: null }];
    box.update(item, { ...item.content, attachments }, box.server);
    expect(await hop.settle(0, 'calendar')).toBe(0);
  }, 120_000);
  afterAll(() => hop.close());

  const expectOne = (title: string) => {
    for (const box of [hop.source(), hop.target()]) {
      expect(titles(box)).toEqual([title]);
      const [file] = events(box)[0]?.content.attachments ?? [];
      expect(must(file, 'its file').content.equals(content)).toBe(true);
    }
  };
  const settled = async () => {
    hop.clock.advance(hour);
    expect(await hop.settle(0, 'calendar')).toBe(0);
    expect(await hop.store.quarantine({ pair: trackId(hop.pair(), 'calendar') }, 10)).toEqual([]);
  };

  test('is there', () => expectOne('Review'));

  test('follows a change on the source', async () => {
    person(hop.source()).change(must(events(hop.source())[0], 'it'), { subject: 'Review of May' });
    await settled();
    expectOne('Review of May');
  }, 60_000);

  test('and one on the target', async () => {
    person(hop.target()).change(must(events(hop.target())[0], 'it'), { subject: 'Review of June' });
    await settled();
    expectOne('Review of June');
    expect(hop.lab.outbox).toEqual([]);
  }, 60_000);

  test('goes when it is removed', async () => {
    person(hop.target()).remove(must(events(hop.target())[0], 'it'));
    await settled();
    expect([titles(hop.source()), titles(hop.target())]).toEqual([[], []]);
  }, 60_000);
});
