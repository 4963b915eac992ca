import { recurrenceProblem } from '#model/expand-recurrence.ts';
import { plainFields } from '#model/plain-fields.ts';
import { type MapiProperty, propertySets } from '#model/property-row.ts';
import type { Recurrence } from '#model/recurrence.ts';
import type { TaskFields } from '#model/task.ts';
import { taskProperties as rows } from '#model/task-properties.ts';
import type { Day } from '#model/wall-time.ts';
import { BlobError } from '../mapi/byte-reader.ts';
import { readTaskRecurrence, writeTaskRecurrence } from '../mapi/task-recurrence.ts';
import {
  body,
  categories,
  type FieldCodec,
  importance,
  midnightOf,
  noonOf,
  number,
  readDay,
  reminder,
  sensitivity,
  text,
  textOrNone,
  texts,
} from './field-codec.ts';
import { mainProperties } from './item-properties.ts';
import type { PlainKindCodec } from './plain-kind.ts';
import { isNumber } from './property-values.ts';

const { task, common } = propertySets;

const statuses = ['not-started', 'in-progress', 'completed', 'waiting', 'deferred'] as const;
const [statusProperty, isComplete] = rows.status.mapi;
const status: FieldCodec<TaskFields['status']> = {
  write: (value) => [
    { property: statusProperty, value: statuses.indexOf(value) },
    { property: isComplete, value: value === 'completed' },
  ],
  read(get) {
    const own = get(statusProperty);
    if (isNumber(own)) return statuses[own];
    const complete = get(isComplete);
    return typeof complete === 'boolean' ? (complete ? 'completed' : 'not-started') : undefined;
  },
};

/**
 * A day as its midnight, as if that were in UTC, and as an instant that is of the same day almost everywhere: which zone the task is in
 * nobody says, and lists of what is to be done go by the instant. The first that says something is read.
 */
const day = (property: MapiProperty, instant?: MapiProperty): FieldCodec<Day | null> => ({
  write: (value) => [
    { property, value: value === null ? null : midnightOf(value) },
    ...(instant === undefined ? [] : [{ property: instant, value: value === null ? null : noonOf(value) }]),
  ],
  read(get) {
    const own = readDay(get, property);
    return own === undefined && instant !== undefined ? readDay(get, instant) : own;
  },
});

const [recurProperty, isRecurring] = rows.recurrence.mapi;
const recurrence: FieldCodec<Recurrence | null> = {
  write(value) {
    if (value !== null && recurrenceProblem(value) !== null) throw new BlobError('no-occurrences', 'recurrence');
    return [
      { property: recurProperty, value: value === null ? null : writeTaskRecurrence(value) },
      { property: isRecurring, value: value !== null },
    ];
  },
  read(get) {
    const bytes = get(recurProperty);
    // A pattern is left behind in what repeats no more.
    if (!Buffer.isBuffer(bytes) || get(isRecurring) === false) return null;
    try {
      return readTaskRecurrence(bytes);
    } catch (error) {
      if (!(error instanceof BlobError)) throw error;
      return undefined;
    }
  },
};

const [reminderTime, reminderSignal] = rows.reminderAt.mapi;
/** A task rings at an instant of its own, not so long before it is due. [MS-OXORMDR] 2.2.1.4 */
const reminderAt: FieldCodec<TaskFields['reminderAt']> = {
  write: (value) => [
    { property: reminderTime, value },
    { property: reminderSignal, value },
  ],
  read(get) {
    const [at, signal] = [get(reminderTime), get(reminderSignal)];
    const own = isNumber(at) ? at : signal;
    return isNumber(own) ? own : undefined;
  },
};

/** [MS-OXOTASK] 2.2.2.2: the number of PidTagIconIndex of a task that is nobody else’s, and of one that repeats. */
const icons = { task: 0x500, recurring: 0x501 } as const;

const named = (lid: number, type: MapiProperty['type']): MapiProperty => ({ set: task, lid, type });
const mode: MapiProperty = { set: common, lid: 0x8518, type: 'integer' };

/** Tasks, [MS-OXOTASK]. */
export const taskCodec: PlainKindCodec<'tasks'> = {
  kind: 'tasks',
  fields: {
    subject: text(rows.subject.mapi[0]),
    body,
    startDay: day(...rows.startDay.mapi),
    dueDay: day(...rows.dueDay.mapi),
    completedDay: day(...rows.completedDay.mapi),
    status,
    percentComplete: number(rows.percentComplete.mapi[0]),
    actualWorkMinutes: number(rows.actualWorkMinutes.mapi[0]),
    totalWorkMinutes: number(rows.totalWorkMinutes.mapi[0]),
    owner: textOrNone(rows.owner.mapi[0]),
    billing: textOrNone(rows.billing.mapi[0]),
    mileage: textOrNone(rows.mileage.mapi[0]),
    companies: texts(rows.companies.mapi[0]),
    contacts: texts(rows.contacts.mapi[0]),
    recurrence,
    reminder,
    reminderAt,
    categories,
    sensitivity,
    importance,
  },
  absent: plainFields.tasks,
  derive: ({ sensitivity: whose, recurrence: repeats }) => [
    { property: mainProperties.iconIndex, value: repeats === null ? icons.task : icons.recurring },
    { property: mainProperties.sideEffects, value: 0x110 },
    { property: mainProperties.isPrivate, value: whose === 'private' },
  ],
  derived: [],
  // A task of one’s own, assigned to nobody. [MS-OXOTASK] 2.2.2.2.6, 2.2.2.2.14, 2.2.2.2.27, 2.2.2.2.28, 2.2.3.2
  usual: [
    { property: named(0x8103, 'boolean'), value: false },
    { property: named(0x8112, 'integer'), value: 1 },
    { property: named(0x8113, 'integer'), value: 1 },
    { property: named(0x8129, 'integer'), value: 0 },
    { property: named(0x812a, 'integer'), value: 0 },
    { property: mode, value: 0 },
  ],
  keepsTag: () => false,
  wellKnown: [
    mode,
    named(0x8103, 'boolean'),
    named(0x8107, 'time'),
    named(0x8108, 'boolean'),
    named(0x8109, 'boolean'),
    named(0x8112, 'integer'),
    named(0x8113, 'integer'),
    named(0x8115, 'time'),
    named(0x8119, 'boolean'),
    named(0x811a, 'integer'),
    named(0x811b, 'boolean'),
    named(0x811e, 'boolean'),
    named(0x8121, 'string'),
    named(0x8122, 'string'),
    named(0x8123, 'integer'),
    named(0x8125, 'string'),
    named(0x8127, 'string'),
    named(0x8129, 'integer'),
    named(0x812a, 'integer'),
    named(0x812c, 'boolean'),
  ],
};
