import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { TypedItems } from '#connectors/contract.ts';
import { seededRandom } from '#kit/random.ts';
import type { EventFields } from '#model/appointment.ts';
import type { FolderId, ItemId, Version } from '#model/ids.ts';
import type { Recurrence } from '#model/recurrence.ts';
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
      answer('UpdateItem', items('UpdateItem')),
      answer('GetItem', items('GetItem', 'CQAA9')),
    );
    const [written] = await events.create(folder, [series], context);
    expect(written).toMatchObject({ id: 'AAMkNEW=', version: 'CQAA9' });
    expect(asked(http)).toEqual(['CreateItem', 'DeleteItem', 'UpdateItem', 'GetItem']);
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
      answer('DeleteItem', success('DeleteItem')),
    );
    expect(await events.create(folder, [series], context)).toMatchObject([{ kind: 'poison' }]);
    const last = http.requests.at(-1)?.body ?? '';
    expect(last).toContain('<t:ItemId Id="AAMkNEW="/>');
    expect(last).toContain('DeleteType="SoftDelete" SendMeetingCancellations="SendToNone"');
  });

  test('whose occurrences fail as a whole holds the fault, and nothing is thrown', async () => {
    const { events } = open(
      answer('CreateItem', items('CreateItem')),
      answer('DeleteItem', failure('DeleteItem', 'ErrorServerBusy')),
      answer('DeleteItem', success('DeleteItem')),
    );
    expect(await events.create(folder, [series], context)).toMatchObject([{ kind: 'throttled' }]);
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
