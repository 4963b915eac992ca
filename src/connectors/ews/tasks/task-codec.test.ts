import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseXmlBytes } from '#formats/text/xml-read.ts';
import type { Recurrence } from '#model/recurrence.ts';
import type { TaskFields } from '#model/task.ts';
import type { Day } from '#model/wall-time.ts';
import { haveSchemas, validateEnvelope } from '#test/suites/ews-schema.ts';
import { anyFields, comesBack, fitsSchema, servers, shownBack } from '../typed/codec-laws.fixture.ts';
import { readFields, updateParts } from '../typed/kind-codec.ts';
import { shownItem } from '../typed/shown-item.ts';
import { settledChange, settledCompletion } from './completion.ts';
import { taskCodec } from './task-codec.ts';
import { taskRecurrenceLoss } from './task-recurrence.ts';

const startDay = '2024-03-11' as Day;
const recurrences = fc.record({
  pattern: fc.oneof(
    fc.record({
      kind: fc.constant('regenerating'),
      every: fc.constantFrom('day', 'week', 'month', 'year'),
      interval: fc.integer({ min: 1, max: 99 }),
    }),
    fc.constantFrom(
      { kind: 'daily', interval: 3 },
      { kind: 'weekly', interval: 2, days: ['monday', 'friday'], firstDayOfWeek: 'monday' },
      { kind: 'monthly-relative', interval: 1, day: 'weekday', index: 5 },
      { kind: 'yearly', interval: 1, month: 3, dayOfMonth: 11 },
    ),
  ),
  range: fc.constantFrom(
    { end: 'never', startDay },
    { end: 'count', startDay, count: 7 },
    { end: 'date', startDay, lastDay: '2025-01-01' as Day },
  ),
}) as fc.Arbitrary<Recurrence>;
const tasks = anyFields(taskCodec, {
  recurrence: recurrences,
  percentComplete: fc.integer({ min: 0, max: 100 }).map((n) => n / 100),
});

describe.each(servers)('tasks in the words of %s', (server, version) => {
  test('come back in the form that servers leave alone', () => {
    const sayable = tasks.filter(({ recurrence: own }) => own === null || taskRecurrenceLoss(own, version) === null);
    comesBack(taskCodec, sayable, version, (given) => {
      const settled = settledCompletion(given);
      return settled.status === 'completed' ? { ...settled, recurrence: null } : settled;
    });
  });
  test.skipIf(!haveSchemas())('fit the schema', () =>
    fitsSchema(taskCodec, tasks, version, (bytes) => validateEnvelope(server, bytes)),
  );
});

const open = { status: 'in-progress', percentComplete: 0.5, completedDay: null } as const;
const done = { status: 'completed', percentComplete: 1, completedDay: startDay } as const;

describe('completion', () => {
  test('what is settled stays as it is', () => {
    fc.assert(
      fc.property(tasks, (task) => {
        const once = settledCompletion(task);
        expect(settledCompletion(once)).toEqual(once);
      }),
    );
  });

  test('a change leads to a settled task, and to the value that was wanted', () => {
    const completion = tasks.map(({ status, percentComplete, completedDay }) => ({
      status,
      percentComplete,
      completedDay,
    }));
    const some = fc.constantFrom('status', 'percentComplete', 'completedDay');
    fc.assert(
      fc.property(completion, completion, some, (from, to, field) => {
        const before = settledCompletion(from);
        const wanted = settledCompletion(to);
        const whole = { ...before, ...settledChange(wanted, before) };
        expect(whole).toEqual(wanted);
        const after = { ...before, ...settledChange({ [field]: wanted[field] }, before) };
        expect(settledCompletion(after)).toEqual(after);
        expect(after[field]).toEqual(wanted[field]);
      }),
      { numRuns: 2000 },
    );
  });

  test('one of the three brings the others along', () => {
    expect(settledChange({ status: 'completed' }, open)).toEqual({ status: 'completed', percentComplete: 1 });
    expect(settledChange({ percentComplete: 1 }, open)).toEqual({ status: 'completed', percentComplete: 1 });
    expect(settledChange({ completedDay: startDay }, open)).toEqual(done);
    expect(settledChange({ status: 'not-started' }, open)).toEqual({ status: 'not-started', percentComplete: 0 });
    expect(settledChange({ status: 'waiting' }, done)).toEqual({
      status: 'waiting',
      percentComplete: 0,
      completedDay: null,
    });
    expect(settledChange({ percentComplete: 0.25 }, done)).toEqual({
      status: 'in-progress',
      percentComplete: 0.25,
      completedDay: null,
    });
  });
});

test('what a server couples of a task is named where a task has it otherwise', () => {
  const named = (set: Partial<TaskFields>) =>
    taskCodec.losses
      .filter(({ keptFrom, concerns }) => keptFrom === null && concerns(set, { ...plain, ...set }))
      .map(({ field }) => field);
  expect(named({ status: 'waiting', completedDay: startDay })).toEqual(['status', 'percentComplete']);
  expect(named({ percentComplete: 0.25 })).toEqual(['status']);
  expect(named({ status: 'completed', percentComplete: 1, completedDay: startDay })).toEqual([]);
  expect(named({ subject: 'x' })).toEqual([]);
});

const plain: TaskFields = { ...shownBack(taskCodec, taskCodec.unread, 'Exchange2016').fields, attachments: [] };

test('a repeating task that is completed repeats no more, and the day comes last', () => {
  const recurrence: Recurrence = {
    pattern: { kind: 'regenerating', every: 'week', interval: 2 },
    range: { end: 'never', startDay },
  };
  const parts = updateParts(taskCodec, { completedDay: startDay }, { ...plain, recurrence }, 'Exchange2016');
  expect(parts.map(({ element, xml }) => [element, xml])).toEqual([
    ['Recurrence', null],
    ['Status', '<t:Status>Completed</t:Status>'],
    ['PercentComplete', '<t:PercentComplete>100</t:PercentComplete>'],
    ['CompleteDate', '<t:CompleteDate>2024-03-11T00:00:00Z</t:CompleteDate>'],
  ]);
});

const shown = (inner: string) =>
  readFields(
    taskCodec,
    shownItem(
      parseXmlBytes(`<t:Task xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types">${inner}</t:Task>`)
        .root,
    ),
  );

test.each([
  '2024-03-11T00:00:00Z',
  '2024-03-10T23:00:00Z',
  '2024-03-11T04:00:00Z',
  '2024-03-11T00:00:00+01:00',
])('dates are days whatever the zone: %s', (instant) => {
  const { fields } = shown(`<t:DueDate>${instant}</t:DueDate><t:StartDate>${instant}</t:StartDate>`);
  expect([fields.dueDay, fields.startDay]).toEqual([startDay, startDay]);
});

test('without its pattern it would be another task', () => {
  expect(shown('<t:Recurrence><t:HourlyRegeneration/></t:Recurrence>').unreadable).toEqual(['recurrence']);
  const odd = shown('<t:PercentComplete>300</t:PercentComplete><t:Status>Dreaming</t:Status>');
  expect(odd.fields).toMatchObject({ percentComplete: 0, status: 'not-started' });
  expect(odd.extras.map(({ values }) => values)).toEqual([['Dreaming'], ['300']]);
});
