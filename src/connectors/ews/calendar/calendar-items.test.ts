import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { TypedItems } from '#connectors/contract.ts';
import { seededRandom } from '#kit/random.ts';
import type { EventFields } from '#model/appointment.ts';
import type { FolderId, ItemId, Version } from '#model/ids.ts';
import type { Recurrence } from '#model/recurrence.ts';
import { causewayPropertySet, stampPropertyName } from '#model/stamp.ts';
import type { TypedDraft, TypedEdit } from '#model/typed-item.ts';
import type { Day } from '#model/wall-time.ts';
import { drafts } from '#test/fidelity/arbitrary-events.ts';
import { ewsConnector } from '../connector.ts';
import { answer, clock, context, failure, scripted, success } from '../ews.fixture.ts';

const folder = 'AAMkCALENDAR=' as FolderId;
const [any] = fc.sample(drafts('anna@example.test'), { seed: 3, numRuns: 1 });
if (any === undefined) throw new Error('there is an event');

const utc = { id: 'UTC', rules: null };
const daily: Recurrence = {
  pattern: { kind: 'daily', interval: 1 },
  range: { end: 'count', startDay: '2024-03-04' as Day, count: 5 },
};
const start = Date.parse('2024-03-04T09:00:00Z');
const fields: EventFields = {
  ...any.item.fields,
  subject: 'Standup',
  when: { start, end: start + 1_800_000, isAllDay: false, startZone: utc, endZone: utc },
  recurrence: daily,
  attachments: [],
  organizer: { name: 'Anna', address: 'anna@example.test' },
  attendees: [],
};
const series: TypedDraft<'calendar'> = {
  ...any,
  item: {
    ...any.item,
    fields,
    occurrences: [{ day: '2024-03-05' as Day, overrides: { subject: 'Special' } }],
    deletedDays: ['2024-03-07' as Day],
  },
  attachments: [],
};

const id = (key = 'CQAA1') => `<t:CalendarItem><t:ItemId Id="AAMkNEW=" ChangeKey="${key}"/></t:CalendarItem>`;
const items = (operation: string, key?: string) => success(operation, `<m:Items>${id(key)}</m:Items>`);

const extended = (uri: string, value: string) =>
  `<t:ExtendedProperty><t:ExtendedFieldURI ${uri}/><t:Value>${value}</t:Value></t:ExtendedProperty>`;
const identity = Buffer.from(series.item.head.identity ?? '', 'hex').toString('base64');
/** What GetItem shows of an event with the identity and stamp of `series`. */
const shown = (itemId: string, key: string, organizer = 'anna@example.test') =>
  answer(
    'GetItem',
    success(
      'GetItem',
      `<m:Items><t:CalendarItem><t:ItemId Id="${itemId}" ChangeKey="${key}"/><t:ParentFolderId Id="F"/>${extended('DistinguishedPropertySetId="Meeting" PropertyId="35" PropertyType="Binary"', identity)}${extended(`PropertySetId="${causewayPropertySet}" PropertyName="${stampPropertyName}" PropertyType="String"`, series.stamp)}<t:Start>2024-03-04T09:00:00Z</t:Start><t:End>2024-03-04T09:30:00Z</t:End><t:Organizer><t:Mailbox><t:EmailAddress>${organizer}</t:EmailAddress></t:Mailbox></t:Organizer></t:CalendarItem></m:Items>`,
    ),
  );

function open(...script: readonly string[]) {
  const http = scripted(...script);
  const connector = ewsConnector({
    organization: 'org',
    http,
    impersonate: true,
    version: 'Exchange2016',
    clock,
    random: seededRandom('events'),
    spoolDir: '/tmp/causeway-never-used',
  });
  return { http, events: connector.mailbox('anna@example.test').typed('calendar') as TypedItems<'calendar'> };
}
const asked = ({ requests }: ReturnType<typeof open>['http']) => requests.map(({ operation }) => operation);

describe('a create', () => {
  test('writes identity, stamp and relation to the organizer with the item, then its occurrences', async () => {
    const { http, events } = open(
      answer('CreateItem', items('CreateItem')),
      answer('DeleteItem', success('DeleteItem')),
      answer('UpdateItem', items('UpdateItem', 'CQAA9')),
    );
    const [written] = await events.create(folder, [series], context);
    // Of all occurrences the series has the same version.
    expect(written).toMatchObject({ id: 'AAMkNEW=', version: 'CQAA9' });
    expect(asked(http)).toEqual(['CreateItem', 'DeleteItem', 'UpdateItem']);
    const [create = '', removal = '', update = ''] = http.requests.map(({ body }) => body);
    expect(create).toContain('<t:UID>');
    for (const lid of [0x3, 0x23, 0x8217, 0x8218, 0x8201, 0x8229]) expect(create).toContain(`PropertyId="${lid}"`);
    expect(create).toContain('CausewayStamp');
    // Deleted occurrences keep their number.
    expect(removal).toContain('<t:OccurrenceItemId RecurringMasterId="AAMkNEW=" InstanceIndex="4"/>');
    expect(update).toContain('<t:OccurrenceItemId RecurringMasterId="AAMkNEW=" InstanceIndex="2"/>');
    expect(update).toContain('AlwaysOverwrite');
  });

  test('that cannot be finished is taken away again, recoverably and silently', async () => {
    const { http, events } = open(
      answer('CreateItem', items('CreateItem')),
      answer('DeleteItem', success('DeleteItem')),
      answer('UpdateItem', failure('UpdateItem', 'ErrorItemSave')),
      shown('AAMkNEW=', 'CQAA1'),
      answer('DeleteItem', success('DeleteItem')),
    );
    expect(await events.create(folder, [series], context)).toMatchObject([{ kind: 'poison' }]);
    const last = http.requests.at(-1)?.body ?? '';
    expect(last).toContain('<t:ItemId Id="AAMkNEW="/>');
    expect(last).toContain('DeleteType="SoftDelete" SendMeetingCancellations="SendToNone"');
  });

  test('that cannot be finished for now stays, to be completed, and is not made a second time', async () => {
    const { http, events } = open(
      answer('CreateItem', items('CreateItem')),
      answer('DeleteItem', failure('DeleteItem', 'ErrorServerBusy')),
    );
    // Not throttled: that would be tried again, and make another one.
    expect(await events.create(folder, [series], context)).toMatchObject([
      { kind: 'transient', mayHaveHappened: true },
    ]);
    expect(asked(http)).toEqual(['CreateItem', 'DeleteItem']);
  });

  test('that is refused before it is whole stays when somebody wrote into it in the meantime', async () => {
    const { http, events } = open(
      answer('CreateItem', items('CreateItem')),
      answer('DeleteItem', failure('DeleteItem', 'ErrorItemSave')),
      shown('AAMkNEW=', 'CQAA2'),
    );
    expect(await events.create(folder, [series], context)).toMatchObject([{ kind: 'poison' }]);
    expect(asked(http)).toEqual(['CreateItem', 'DeleteItem', 'GetItem']);
  });
});

describe('a meeting that somebody else organizes', () => {
  const boss = { name: 'Boss', address: 'boss@else.test' };
  const meeting: TypedDraft<'calendar'> = {
    ...series,
    item: {
      ...series.item,
      fields: { ...fields, organizer: boss, recurrence: null },
      occurrences: [],
      deletedDays: [],
    },
  };
  const uploaded = answer('UploadItems', success('UploadItems', '<m:ItemId Id="AAMkUP=" ChangeKey="CQAA1"/>'));
  const shownWith = (organizer: string, key = 'CQAA2') => shown('AAMkUP=', key, organizer);

  test('goes by stream, and what became of it is looked at', async () => {
    const { http, events } = open(uploaded, shownWith(boss.address, 'CQAA1'));
    const [written] = await events.create(folder, [meeting], context);
    expect(written).toMatchObject({ id: 'AAMkUP=', version: 'CQAA1' });
    expect(written).not.toHaveProperty('unkept.organizer');
    expect(asked(http)).toEqual(['UploadItems', 'GetItem']);
  });

  test('is at the version of the upload, also when somebody wrote into it before it was looked at', async () => {
    const { events } = open(uploaded, shownWith(boss.address, 'CQAA2'));
    expect(await events.create(folder, [meeting], context)).toMatchObject([{ id: 'AAMkUP=', version: 'CQAA1' }]);
  });

  test('goes by stream where streams were understood, whatever somebody made of one of them since', async () => {
    const changed = shownWith('anna@example.test', 'CQAA2');
    const { http, events } = open(
      uploaded,
      shownWith(boss.address),
      uploaded,
      changed,
      changed,
      uploaded,
      changed,
      changed,
    );
    for (let n = 0; n < 3; n++) await events.create(folder, [meeting], context);
    expect(asked(http).filter((operation) => operation === 'UploadItems')).toHaveLength(3);
  });

  test('goes field by field where streams of ours are refused, and those are not tried again', async () => {
    const { http, events } = open(
      answer('UploadItems', failure('UploadItems', 'ErrorCorruptData')),
      answer('CreateItem', items('CreateItem')),
      answer('CreateItem', items('CreateItem')),
    );
    for (let n = 0; n < 2; n++)
      expect(await events.create(folder, [meeting], context)).toMatchObject([
        { id: 'AAMkNEW=', unkept: { organizer: expect.any(String) } },
      ]);
    expect(asked(http)).toEqual(['UploadItems', 'CreateItem', 'CreateItem']);
  });

  test('of which something else came is taken away and made field by field', async () => {
    const { http, events } = open(
      uploaded,
      shownWith('anna@example.test'),
      shownWith('anna@example.test', 'CQAA1'),
      answer('DeleteItem', success('DeleteItem')),
      answer('CreateItem', items('CreateItem')),
    );
    expect(await events.create(folder, [meeting], context)).toMatchObject([{ id: 'AAMkNEW=' }]);
    expect(asked(http)).toEqual(['UploadItems', 'GetItem', 'GetItem', 'DeleteItem', 'CreateItem']);
  });

  test('of which something else came stays when somebody wrote into it, and is not made a second time', async () => {
    const { http, events } = open(uploaded, shownWith('anna@example.test'), shownWith('anna@example.test'));
    expect(await events.create(folder, [meeting], context)).toMatchObject([
      { kind: 'transient', mayHaveHappened: true },
    ]);
    expect(asked(http)).toEqual(['UploadItems', 'GetItem', 'GetItem']);
  });

  test('that is there and cannot be seen for now is not made a second time', async () => {
    const { events } = open(uploaded, answer('GetItem', failure('GetItem', 'ErrorServerBusy')));
    expect(await events.create(folder, [meeting], context)).toMatchObject([
      { kind: 'transient', mayHaveHappened: true },
    ]);
  });

  test('that may be there or not is not made a second time', async () => {
    const { http, events } = open(answer('UploadItems', failure('UploadItems', 'ErrorInternalServerError')));
    expect(await events.create(folder, [meeting], context)).toMatchObject([
      { kind: 'transient', mayHaveHappened: true },
    ]);
    expect(asked(http)).toEqual(['UploadItems']);
  });
});

describe('a series that is read', () => {
  const got = (key: string, inner: string, itemId = 'AAMkS=') =>
    answer(
      'GetItem',
      success(
        'GetItem',
        `<m:Items><t:CalendarItem><t:ItemId Id="${itemId}" ChangeKey="${key}"/><t:ParentFolderId Id="F"/>${inner}</t:CalendarItem></m:Items>`,
      ),
    );
  const times = (day: string) => `<t:Start>${day}T09:00:00Z</t:Start><t:End>${day}T09:30:00Z</t:End>`;
  const exception =
    '<t:ModifiedOccurrences><t:Occurrence><t:ItemId Id="AAMkO=" ChangeKey="CQAA1"/><t:Start>2024-03-05T09:00:00Z</t:Start><t:End>2024-03-05T09:30:00Z</t:End><t:OriginalStart>2024-03-05T09:00:00Z</t:OriginalStart></t:Occurrence></t:ModifiedOccurrences>';
  const repeats = (count: number) =>
    `<t:Recurrence><t:DailyRecurrence><t:Interval>1</t:Interval></t:DailyRecurrence><t:NumberedRecurrence><t:StartDate>2024-03-04Z</t:StartDate><t:NumberOfOccurrences>${count}</t:NumberOfOccurrences></t:NumberedRecurrence></t:Recurrence>`;
  const master = (key: string, count: number, exceptions = '') =>
    got(key, `${times('2024-03-04')}${exceptions}${repeats(count)}`);
  const occurrence = (key: string, subject: string) =>
    got(key, `<t:Subject>${subject}</t:Subject>${times('2024-03-05')}`, 'AAMkO=');
  const read = async (events: TypedItems<'calendar'>) =>
    (await events.read(['AAMkS=' as ItemId], context)).get('AAMkS=' as ItemId);
  const shownAs = (version: string, count: number, occurrences: readonly unknown[]) => ({
    head: { version },
    fields: { recurrence: { range: { count } } },
    occurrences,
  });

  test('is read again when somebody wrote it before its occurrences were', async () => {
    const { events } = open(master('CQAA1', 5, exception), occurrence('CQAA2', ''), master('CQAA2', 7));
    expect(await read(events)).toMatchObject(shownAs('CQAA2', 7, []));
  });

  test('is left to a later look when somebody goes on writing it', async () => {
    const looks = [1, 3, 5].flatMap((n) => [master(`CQAA${n}`, 5, exception), occurrence(`CQAA${n + 1}`, '')]);
    expect(await read(open(...looks).events)).toMatchObject({ kind: 'stale' });
  });

  test('is as it was read where a server shows its occurrences at another version all the same', async () => {
    const look = [master('CQAA1', 5, exception), occurrence('CQAA9', 'Special')];
    expect(await read(open(...look, ...look).events)).toMatchObject(
      shownAs('CQAA1', 5, [{ day: '2024-03-05', overrides: { subject: 'Special' } }]),
    );
  });
});

describe('an update of occurrences', () => {
  const item = { ...series.item, head: { ...series.item.head, id: 'AAMkNEW=' as ItemId, version: 'CQAA1' as Version } };
  const edit = (...occurrences: TypedEdit<'calendar'>['occurrences']) => ({
    set: {},
    occurrences,
    attachments: new Map(),
  });
  const change = (day: string) => ({ day: day as Day, do: 'modify' as const, overrides: { subject: 'Other' } });

  test('carries the version with the first one', async () => {
    const { http, events } = open(answer('UpdateItem', failure('UpdateItem', 'ErrorIrresolvableConflict')));
    const edits = [{ item, edit: edit(change('2024-03-05'), change('2024-03-06')) }];
    expect(await events.update(edits, context)).toMatchObject([{ kind: 'stale' }]);
    expect(http.requests[0]?.body).toContain(
      '<t:OccurrenceItemId RecurringMasterId="AAMkNEW=" ChangeKey="CQAA1" InstanceIndex="2"/>',
    );
    expect(http.requests[0]?.body).toContain('NeverOverwrite');
  });

  test('follows its series only where nobody wrote that since, and leaves the version that it was answered with', async () => {
    const both = [{ item, edit: { ...edit(change('2024-03-05')), set: { subject: 'Weekly' } } }];
    const done = open(
      answer('UpdateItem', items('UpdateItem', 'CQAA2')),
      answer('UpdateItem', items('UpdateItem', 'CQAA3')),
    );
    expect(await done.events.update(both, context)).toMatchObject([{ id: 'AAMkNEW=', version: 'CQAA3' }]);
    expect(done.http.requests[1]?.body).toContain('ChangeKey="CQAA2" InstanceIndex="2"');
    // Tried again as a whole it would meet what it wrote itself.
    for (const code of ['ErrorIrresolvableConflict', 'ErrorServerBusy']) {
      const half = open(
        answer('UpdateItem', items('UpdateItem', 'CQAA2')),
        answer('UpdateItem', failure('UpdateItem', code)),
      );
      expect(await half.events.update(both, context)).toMatchObject([{ kind: 'transient', mayHaveHappened: true }]);
    }
  });

  test('a deletion looks at the version first, for DeleteItem knows none', async () => {
    const shown = success(
      'GetItem',
      '<m:Items><t:CalendarItem><t:ItemId Id="AAMkNEW=" ChangeKey="CQAA2"/><t:ParentFolderId Id="F"/><t:Start>2024-03-04T09:00:00Z</t:Start><t:End>2024-03-04T09:30:00Z</t:End></t:CalendarItem></m:Items>',
    );
    const { http, events } = open(answer('GetItem', shown));
    const edits = [{ item, edit: edit({ day: '2024-03-06' as Day, do: 'delete' }) }];
    expect(await events.update(edits, context)).toMatchObject([{ kind: 'stale' }]);
    expect(asked(http)).toEqual(['GetItem']);
  });

  test('those that move later go from the last one on, so that none crosses its neighbour', async () => {
    const hours = (day: string, by: number) => {
      const from = Date.parse(`${day}T09:00:00Z`) + by * 3_600_000;
      return {
        day: day as Day,
        do: 'modify' as const,
        overrides: { when: { ...fields.when, start: from, end: from + 60_000 } },
      };
    };
    const { http, events } = open(
      answer('UpdateItem', items('UpdateItem')),
      answer('UpdateItem', items('UpdateItem') + items('UpdateItem') + items('UpdateItem')),
      answer('GetItem', items('GetItem')),
    );
    const moves = [hours('2024-03-05', 20), hours('2024-03-06', 20), hours('2024-03-07', -3), hours('2024-03-08', -3)];
    await events.update([{ item: { ...item, deletedDays: [] }, edit: edit(...moves) }], context);
    const order = http.requests.flatMap(({ body }) => [...body.matchAll(/InstanceIndex="(\d)"/g)].map(([, n]) => n));
    expect(order).toEqual(['3', '2', '4', '5']);
  });
});
