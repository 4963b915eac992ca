import { describe, expect, test } from 'vitest';
import type { Context, TypedItems } from '#connectors/contract.ts';
import { assert, must } from '#kit/assert.ts';
import { isFault } from '#kit/fault.ts';
import { Person } from '#lab/meetings/person.ts';
import { windowsZone } from '#lab/world/zone.ts';
import type { TypedEdit, TypedItem } from '#model/typed-item.ts';
import type { Day } from '#model/wall-time.ts';
import { openEwsLab } from './ews-lab.fixture.ts';
import { openGraphLab } from './graph-lab.fixture.ts';

const hourMs = 3_600_000;
const context: Context = { signal: new AbortController().signal, deadlineMs: Number.POSITIVE_INFINITY };

/** A colleague has invited the mailbox's owner to a series of four days, and the owner's copy is read as a pass reads it. */
async function invited(version: '2010' | '2013' | '2016' | 'online') {
  const lab = version === 'online' ? await openGraphLab(1 << 20, 2) : await openEwsLab(version, 1 << 20, 2);
  const [owner, colleague] = lab.world.mailboxes.map(({ address }) => must(lab.world.mailbox(address), address));
  assert(owner !== undefined && colleague !== undefined, 'two mailboxes');
  const startMs = Math.floor(owner.nowMs / hourMs) * hourMs + 24 * hourMs;
  new Person(lab.meetings, colleague).book({
    subject: 'Round',
    location: 'Room 1',
    startMs,
    endMs: startMs + hourMs,
    zone: must(windowsZone('UTC'), 'UTC'),
    attendees: [{ address: owner.address }],
    recurrence: { pattern: { kind: 'daily', interval: 1 }, range: { kind: 'count', count: 4 } },
  });
  const mailbox = lab.connector.mailbox(owner.address);
  const items = must(mailbox.typed('calendar'), 'a calendar') as TypedItems<'calendar'>;
  const folder = must((await mailbox.roles(context)).get('calendar'), 'the calendar');
  const { changes } = await items.changes(folder, null, context);
  const [id] = changes.flatMap((change) => (change.kind === 'upsert' ? [change.head.id] : []));
  const item = (await items.read([must(id, 'a copy')], context)).get(must(id, 'a copy'));
  assert(item !== undefined && !isFault(item), 'the copy can be read');
  const repairs = () => {
    lab.meetings.assistant(lab.world).run();
    return lab.world.world.outbox.flatMap(({ cause }) => (cause.startsWith('repair-') ? [cause] : []));
  };
  return { ...lab, owner, colleague, items, item, repairs };
}

const edited = (item: TypedItem<'calendar'>, edit: Partial<TypedEdit<'calendar'>>) => [
  { item, edit: { set: {}, occurrences: [], attachments: new Map(), stamp: null, ...edit } as TypedEdit<'calendar'> },
];

describe.each(['2010', '2013', '2016', 'online'] as const)('the Repair Assistant of %s', (version) => {
  test('brings a copy back that went without a word', async () => {
    const { owner, repairs, close } = await invited(version);
    const [copy] = owner.folder('calendar').items();
    owner.remove(must(copy, 'a copy'), 'SoftDelete', { caller: 'people', displayName: '' });
    expect(repairs()).toContain('repair-missing');
    await close();
  });

  test('lets a copy go that was removed because it went on the other side', async () => {
    const { owner, items, item, repairs, close } = await invited(version);
    expect(await items.remove([{ id: item.head.id, expect: item.head.version }], context)).toEqual([null]);
    expect(repairs()).toEqual([]);
    expect([...owner.folder('calendar').items()]).toEqual([]);
    await close();
  });

  test('leaves what a copy says differently because it is said on the other side', async () => {
    const { items, item, repairs, close } = await invited(version);
    const [written] = await items.update(edited(item, { set: { location: 'Room 2' } }), context);
    expect(isFault(must(written, 'an answer'))).toBe(false);
    expect(repairs()).toEqual([]);
    const now = (await items.read([item.head.id], context)).get(item.head.id);
    assert(now !== undefined && !isFault(now), 'the copy can be read');
    const day = new Date(item.fields.when.start + 24 * hourMs).toISOString().slice(0, 10) as Day;
    await items.update(edited(now, { occurrences: [{ day, do: 'delete' }] }), context);
    expect(repairs()).toEqual([]);
    await close();
  });

  /** Without a word, as if the colleague had invited the owner there from the beginning and the copy here were one that is kept in step. */
  const invitedElsewhere = async () => {
    const lab = await invited(version);
    const [meeting] = lab.colleague.folder('calendar').items();
    const attendees = [
      { name: '', address: 'owner@elsewhere.test', role: 'required', response: 'Unknown', respondedAtMs: null },
    ] as const;
    new Person(lab.meetings, lab.colleague).change(must(meeting, 'a meeting'), { attendees }, null, 'SendToNone');
    return lab;
  };

  // What calendars.md warns of: no way of writing the copy keeps the assistant from it.
  test('calls the copy of somebody off who was invited at an address of the other organization that is none of this mailbox', async () => {
    const { repairs, close } = await invitedElsewhere();
    expect(repairs()).toContain('repair-cancellation');
    await close();
  });

  test('leaves it alone where that address is a proxy address of the mailbox', async () => {
    const { world, owner, repairs, close } = await invitedElsewhere();
    world.mailFlow.addProxy('owner@elsewhere.test', owner.address);
    expect(repairs()).toEqual([]);
    await close();
  });

  test.skipIf(version === 'online')(
    'cannot be asked, but the directory can: whose an address is, by any proxy address',
    async () => {
      const { world, connector, owner, colleague, close } = await invited(version);
      const primaryOf = must(connector.mailbox(owner.address).primaryOf, 'a directory');
      expect(await primaryOf('owner@elsewhere.test', context)).toBeNull();
      world.mailFlow.addProxy('owner@elsewhere.test', owner.address);
      expect(await primaryOf('owner@elsewhere.test', context)).toBe(owner.address);
      expect(await primaryOf(colleague.address, context)).toBe(colleague.address);
      await close();
    },
  );
});
