import { createHash } from 'node:crypto';
import type { Context, TypedItems, TypedWritten } from '#connectors/contract.ts';
import { type Fault, FaultError, isFault } from '#kit/fault.ts';
import { payloadOfBytes } from '#kit/payload.ts';
import type { AttachmentContent, AttachmentHead, EventFields, EventIdentity } from '#model/appointment.ts';
import type { FolderId, ItemId, MailboxGuid, Version } from '#model/ids.ts';
import type { Instant } from '#model/mail.ts';
import { writeStamp } from '#model/stamp.ts';
import type { TypedEdit, TypedItem } from '#model/typed-item.ts';
import { addDays, type Day, dayOfWall, wallOfDay } from '#model/wall-time.ts';

/** What the experiments with meetings need. */
export interface MeetingBench {
  readonly events: TypedItems<'calendar'>;
  /** A calendar of our own in the first mailbox. */
  readonly calendar: FolderId;
  readonly organization: string;
  /** The owner of the first mailbox, and the one who would get invitations. */
  readonly owner: string;
  readonly attendee: string;
  call(): Context;
  nowMs(): Instant;
  /** Sixteen random letters. */
  unique(): string;
  random(bytes: number): Uint8Array;
  /** Items in the inbox of the attendee. */
  arrivals(): Promise<ReadonlySet<ItemId>>;
  waitForArrival(before: ReadonlySet<ItemId>): Promise<boolean>;
}

type Experiment = (bench: MeetingBench) => Promise<string | null>;

/** What we rely on about meetings; each says what was seen instead. */
export const meetingExperiments: readonly (readonly [string, Experiment])[] = [
  [
    'Nobody hears of a meeting that is created, moved in time and removed',
    async (bench) => {
      const before = await bench.arrivals();
      const item = await read(bench, await create(bench, organized(bench)));
      const { when } = item.fields;
      const later = { ...when, start: when.start + hour, end: when.end + hour };
      const moved = await read(bench, await update(bench, item, { set: { when: later } }));
      const [answer] = await bench.events.remove([{ id: moved.head.id, expect: moved.head.version }], bench.call());
      if (answer) throw new FaultError(answer);
      return (await bench.waitForArrival(before)) ? 'something arrived' : null;
    },
  ],
  [
    'A meeting is created as one that was sent, with its identity and state, and stays so when it changes',
    async (bench) => {
      const given = organized(bench);
      const seen: string[] = [];
      const look = (when: string, { head, fields }: TypedItem<'calendar'>) => {
        if (head.identity !== given.identity) seen.push(`its identity is another one ${when}`);
        for (const field of ['invited', 'stateFlags', 'myResponse'] as const)
          if (fields[field] !== given.fields[field]) seen.push(`${field} is ${fields[field]} ${when}`);
        if (fields.sequence < given.fields.sequence) seen.push(`sequence is ${fields.sequence} ${when}`);
      };
      const created = await read(bench, await create(bench, given));
      look('after the create', created);
      look(
        'after an update',
        await read(bench, await update(bench, created, { set: { subject: `${subject} changed` } })),
      );
      return seen.join(', ') || null;
    },
  ],
  [
    'Of a meeting that somebody else organizes the server keeps what we say it keeps',
    async (bench) => {
      const given = attended(bench);
      const written = await create(bench, given);
      const { organizer, myResponse, stateFlags } = (await read(bench, written)).fields;
      const isKept = organizer?.address.toLowerCase() === bench.attendee.toLowerCase();
      const seen = [
        isKept === !('organizer' in written.unkept)
          ? ''
          : isKept
            ? 'the organizer is kept'
            : 'another organizer is shown',
        myResponse === given.fields.myResponse ? '' : `the response is ${myResponse}`,
        stateFlags === given.fields.stateFlags ? '' : `the state is ${stateFlags}`,
      ];
      return seen.filter((text) => text !== '').join(', ') || null;
    },
  ],
  [
    'A meeting is found by its identity',
    async (bench) => {
      const { identity, fields } = organized(bench);
      const { id } = await create(bench, { identity, fields });
      const found = await bench.events.findByIdentity(bench.calendar, [identity], bench.call());
      return found.get(identity)?.some((head) => head.id === id) ? null : 'the search does not find it';
    },
  ],
  [
    'Changed and deleted occurrences survive a later change of their series',
    async (bench) => {
      const whole = await read(bench, await create(bench, series(bench)));
      const days = pattern(bench);
      const apart = await read(bench, await update(bench, whole, { occurrences: exceptions(days) }));
      const after = await read(bench, await update(bench, apart, { set: { location: 'elsewhere' } }));
      const seen = [
        after.occurrences.some(({ day }) => day === days[1]) ? '' : 'the changed one is as the series again',
        after.deletedDays.includes(days[2]) ? '' : 'the deleted one is back',
      ];
      return seen.filter((text) => text !== '').join(', ') || null;
    },
  ],
  [
    'An occurrence that was called off is shown as cancelled, and its series is not',
    async (bench) => {
      const whole = await read(bench, await create(bench, series(bench)));
      const [, day] = pattern(bench);
      const calledOff = { day, do: 'modify', overrides: { stateFlags: 5 } } as const;
      const { fields, occurrences } = await read(bench, await update(bench, whole, { occurrences: [calledOff] }));
      const own = occurrences.find((one) => one.day === day)?.overrides.stateFlags;
      const seen = [
        own === 5 ? '' : `its state is ${own ?? 'that of the series'}`,
        fields.stateFlags === whole.fields.stateFlags ? '' : `the state of the series is ${fields.stateFlags}`,
      ];
      return seen.filter((text) => text !== '').join(', ') || null;
    },
  ],
  [
    'An appointment of more than 4 MB arrives whole, once, and nobody hears of it',
    async (bench) => {
      const before = await bench.arrivals();
      const { identity, fields } = organized(bench);
      const bytes = Buffer.from(bench.random(5_000_000));
      const file: AttachmentHead = {
        ...{ name: 'probe.bin', contentType: 'application/octet-stream', contentId: null, isInline: false },
        ...{
          sizeBytes: bytes.length,
          hash: createHash('sha256').update(bytes).digest('hex').slice(0, 32),
          kind: 'file',
        },
      };
      const plain = { attendees: [], organizer: null, myResponse: 'none', stateFlags: 0, invited: false } as const;
      const given = { identity, fields: { ...fields, ...plain, attachments: [file] } };
      const large = await read(bench, await create(bench, given, [{ head: file, bytes: payloadOfBytes(bytes) }]));
      const [arrived] = large.fields.attachments;
      const same = (await bench.events.findByIdentity(bench.calendar, [identity], bench.call())).get(identity) ?? [];
      const seen = [
        arrived === undefined ? 'its file is not there' : arrived.hash === file.hash ? '' : 'its file is another one',
        same.length === 1 ? '' : `it is there ${same.length} times`,
        (await bench.waitForArrival(before)) ? 'something arrived' : '',
      ];
      return seen.filter((text) => text !== '').join(', ') || null;
    },
  ],
  [
    'A new pattern leaves the occurrences that are written again with it, and no others',
    async (bench) => {
      const whole = await read(bench, await create(bench, series(bench)));
      const days = pattern(bench);
      const apart = await read(bench, await update(bench, whole, { occurrences: exceptions(days) }));
      const { recurrence } = apart.fields;
      if (recurrence === null) return 'the series is none any more';
      const longer = { ...recurrence, range: { end: 'count', startDay: days[0], count: 6 } } as const;
      const again = exceptions(days).slice(0, 1);
      const after = await read(bench, await update(bench, apart, { set: { recurrence: longer }, occurrences: again }));
      const seen = [
        after.occurrences.map(({ day }) => day).join() === days[1] ? '' : 'the changed one is not there',
        after.deletedDays.length === 0 ? '' : 'the deleted one stays deleted',
      ];
      return seen.filter((text) => text !== '').join(', ') || null;
    },
  ],
];

const hour = 3_600_000;
const subject = 'Causeway probe: meeting';

interface Given {
  readonly identity: EventIdentity;
  readonly fields: EventFields;
}

/** A month ahead, so that nothing rings and nobody's day is disturbed. */
const firstDay = (bench: MeetingBench): Day => addDays(dayOfWall(bench.nowMs()), 30);
/** The first days of `series`. */
function pattern(bench: MeetingBench): readonly [Day, Day, Day] {
  const first = firstDay(bench);
  return [first, addDays(first, 1), addDays(first, 2)];
}

/** A clean global object id that nobody has ([MS-OXOCAL] 2.2.1.27). @param unique sixteen hex digits, others each time */
export const newIdentity = (unique: () => string): EventIdentity =>
  `040000008200E00074C5B7101A82E008${'0'.repeat(40)}10000000${unique()}${unique()}`.toUpperCase() as EventIdentity;

function organized(bench: MeetingBench): Given {
  const start = wallOfDay(firstDay(bench)) + 9 * hour;
  const utc = { id: 'UTC', rules: null };
  const changedAt = Math.floor(bench.nowMs() / 60_000) * 60_000;
  return {
    identity: newIdentity(() => bench.unique()),
    fields: {
      subject,
      location: '',
      when: { start, end: start + hour, isAllDay: false, startZone: utc, endZone: utc },
      body: { type: 'text', text: 'Made by causeway probe, and removed by it.' },
      reminder: { isSet: false, minutesBefore: 15 },
      showAs: 'free',
      sensitivity: 'normal',
      importance: 'normal',
      categories: [],
      attendees: [
        { name: bench.attendee, address: bench.attendee, role: 'required', response: 'unknown', respondedAt: null },
      ],
      attachments: [],
      myResponse: 'organizer',
      myResponseAt: null,
      recurrence: null,
      organizer: { name: bench.owner, address: bench.owner },
      responseRequested: true,
      allowNewTimeProposal: true,
      onlineMeetingUrl: null,
      stateFlags: 1,
      invited: true,
      sequence: 2,
      ownerCriticalChangeAt: changedAt,
      attendeeCriticalChangeAt: changedAt,
      intendedShowAs: null,
    },
  };
}

/** The copy of somebody who was invited by the second mailbox and accepted. */
function attended(bench: MeetingBench): Given {
  const { identity, fields } = organized(bench);
  const organizer = { name: bench.attendee, address: bench.attendee };
  const attendees = [
    { name: bench.owner, address: bench.owner, role: 'required', response: 'unknown', respondedAt: null },
  ] as const;
  return { identity, fields: { ...fields, organizer, attendees, myResponse: 'accept', stateFlags: 3 } };
}

function series(bench: MeetingBench): Given {
  const { identity, fields } = organized(bench);
  const range = { end: 'count', startDay: firstDay(bench), count: 4 } as const;
  return { identity, fields: { ...fields, recurrence: { pattern: { kind: 'daily', interval: 1 }, range } } };
}

const exceptions = (days: readonly [Day, Day, Day]): TypedEdit<'calendar'>['occurrences'] => [
  { day: days[1], do: 'modify', overrides: { subject: `${subject} apart` } },
  { day: days[2], do: 'delete' },
];

async function create(
  bench: MeetingBench,
  { identity, fields }: Given,
  attachments: readonly AttachmentContent[] = [],
): Promise<TypedWritten> {
  const unique = bench.unique();
  const stamp = writeStamp({
    organization: bench.organization,
    mailbox: '' as MailboxGuid,
    searchKey: '',
    firstId: unique,
    fingerprint: unique,
    sizeBytes: 0,
    nonce: unique,
  });
  const head = {
    id: unique as ItemId,
    version: '' as Version,
    folder: bench.calendar,
    itemClass: 'IPM.Appointment',
    identity,
    stamp: null,
    receipt: null,
    searchKey: '',
    sizeBytes: fields.attachments.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    createdAt: null,
    modifiedAt: null,
  };
  const item = { kind: 'calendar', head, fields, occurrences: [], deletedDays: [], extras: [] } as const;
  const draft = { item, attachments, occurrenceAttachments: new Map(), stamp };
  return required((await bench.events.create(bench.calendar, [draft], bench.call()))[0]);
}

const read = async (bench: MeetingBench, { id }: TypedWritten): Promise<TypedItem<'calendar'>> =>
  required((await bench.events.read([id], bench.call())).get(id));

async function update(
  bench: MeetingBench,
  item: TypedItem<'calendar'>,
  edit: Partial<TypedEdit<'calendar'>>,
): Promise<TypedWritten> {
  const whole = { set: {}, occurrences: [], attachments: new Map(), ...edit };
  return required((await bench.events.update([{ item, edit: whole }], bench.call()))[0]);
}

function required<T>(answer: T | Fault | undefined): T {
  if (answer === undefined)
    throw new FaultError({ kind: 'transient', detail: 'an answer is missing', mayHaveHappened: true });
  if (isFault(answer)) throw new FaultError(answer);
  return answer;
}
