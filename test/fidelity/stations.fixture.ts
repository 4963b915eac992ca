/** Labs that events are handed to, and what has become of them there. */
import { isDeepStrictEqual } from 'node:util';
import { expect } from 'vitest';
import type { Context, TypedItems, TypedWritten } from '#connectors/contract.ts';
import { must } from '#kit/assert.ts';
import { describeFault, isFault } from '#kit/fault.ts';
import type { EventFields } from '#model/appointment.ts';
import { isOccurrenceDay } from '#model/expand-recurrence.ts';
import type { FolderId } from '#model/ids.ts';
import type { StampText } from '#model/stamp.ts';
import type { TypedDraft, TypedItem } from '#model/typed-item.ts';
import type { Day } from '#model/wall-time.ts';
import { openEwsLab } from '#test/connectors/ews-lab.fixture.ts';
import type { ConnectorUnderTest } from '#test/suites/connector-suite.ts';

export interface Station {
  readonly version: string;
  readonly it: ConnectorUnderTest;
  readonly events: TypedItems<'calendar'>;
  readonly calendar: FolderId;
}

export async function openStation(version: '2007' | '2010' | '2016'): Promise<Station> {
  const it = await openEwsLab(version, 6 << 20);
  const box = it.connector.mailbox(it.people.address);
  const calendar = must((await box.roles(within(it))).get('calendar'), 'a calendar');
  return { version, it, events: must(box.typed('calendar'), 'EWS has events'), calendar };
}

const within = ({ clock }: ConnectorUnderTest): Context => ({
  signal: new AbortController().signal,
  deadlineMs: clock.monotonicMs() + 600_000,
});

/** Creates a draft and reads what has become of it. */
export async function arrived({ it, events, calendar }: Station, draft: TypedDraft<'calendar'>) {
  const [written] = await events.create(calendar, [draft], within(it));
  if (written === undefined || isFault(written)) throw new Error(written ? describeFault(written) : 'no answer');
  const item = (await events.read([written.id], within(it))).get(written.id);
  if (item === undefined || isFault(item)) throw new Error(item ? describeFault(item) : 'not read');
  expect(item.head.version).toBe(written.version);
  return { written, item };
}

/** What is handed on: the item with its bytes, as a pass does it. */
export async function draftOf(
  { it, events }: Station,
  item: TypedItem<'calendar'>,
  stamp: StampText,
): Promise<TypedDraft<'calendar'>> {
  const { id } = item.head;
  const own = await events.attachments(id, null, item.fields.attachments, within(it));
  const ofDays = new Map<Day, readonly (typeof own extends ReadonlyMap<string, infer A> ? A : never)[]>();
  for (const { day, overrides } of item.occurrences)
    if (overrides.attachments !== undefined)
      ofDays.set(day, [...(await events.attachments(id, day, overrides.attachments, within(it))).values()]);
  return {
    item,
    attachments: item.fields.attachments.map(({ hash }) => must(own.get(hash), 'an attachment that was listed')),
    occurrenceAttachments: ofDays,
    stamp,
  };
}

/** What a person sees of HTML, whatever frame the server puts around it. */
const inside = (html: string) => (/<body[^>]*>([\s\S]*)<\/body>/i.exec(html)?.[1] ?? html).trim();

function plainly(fields: Partial<EventFields>): Partial<EventFields> {
  const { body } = fields;
  return body?.type === 'html' ? { ...fields, body: { type: 'html', text: inside(body.text) } } : fields;
}

export function differences(
  before: TypedItem<'calendar'>,
  after: TypedItem<'calendar'>,
  unkept: TypedWritten['unkept'],
): readonly string[] {
  const found: string[] = [];
  const compare = (where: string, a: Partial<EventFields>, b: Partial<EventFields>) => {
    for (const field of new Set([...Object.keys(a), ...Object.keys(b)]) as Set<keyof EventFields>) {
      const named = field in unkept;
      const [left, right] = named && field === 'body' ? [plainly(a)[field], plainly(b)[field]] : [a[field], b[field]];
      if (isDeepStrictEqual(left, right) || (named && field !== 'body')) continue;
      found.push(`${where} ${field}: ${JSON.stringify(left)} became ${JSON.stringify(right)}`);
    }
  };
  compare('', before.fields, after.fields);
  expect(after.head.identity).toBe(before.head.identity);
  // Days that the pattern lacks as the server has it are named as well.
  const { recurrence } = after.fields;
  const has = (day: Day) => !('occurrences' in unkept) || recurrence === null || isOccurrenceDay(recurrence, day);
  expect(after.deletedDays).toEqual(before.deletedDays.filter(has));
  const byDay = new Map(after.occurrences.map(({ day, overrides }) => [day, overrides] as const));
  for (const { day, overrides } of before.occurrences) if (has(day)) compare(day, overrides, byDay.get(day) ?? {});
  for (const { day, overrides } of after.occurrences)
    if (!before.occurrences.some((one) => one.day === day)) compare(day, {}, overrides);
  return found;
}
