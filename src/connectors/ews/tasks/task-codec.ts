import type { Reminder } from '#model/appointment.ts';
import type { Instant } from '#model/mail.ts';
import { plainFields } from '#model/plain-fields.ts';
import type { Recurrence } from '#model/recurrence.ts';
import type { TaskFields } from '#model/task.ts';
import { taskProperties as rows } from '#model/task-properties.ts';
import { isUntyped, typeIsGuessed } from '../../typed-losses.ts';
import {
  extendedText,
  type FieldCodec,
  typedBody,
  typedDay,
  typedStrings,
  typedText,
  typedValue,
} from '../typed/field-codec.ts';
import type { KindCodec } from '../typed/kind-codec.ts';
import { fieldUri, typedPart } from '../typed/parts.ts';
import { beginsLater, isBegunLater } from '../typed/recurrence-codec.ts';
import { textIn } from '../typed/shown-item.ts';
import { boolean, choice, type Form, formOf, integer } from '../value-forms.ts';
import { settledChange, settledCompletion } from './completion.ts';
import { readTaskRecurrence, taskRecurrenceLoss, writeTaskRecurrence } from './task-recurrence.ts';

/** TaskStatusType. */
const statuses = [
  ['not-started', 'NotStarted'],
  ['in-progress', 'InProgress'],
  ['completed', 'Completed'],
  ['waiting', 'WaitingOnOthers'],
  ['deferred', 'Deferred'],
] as const satisfies readonly (readonly [TaskFields['status'], string])[];
const status: Form = {
  read: (text) => statuses.find(([, name]) => name === text.trim())?.[0],
  write: (value: TaskFields['status']) => statuses.find(([word]) => word === value)?.[1] ?? 'NotStarted',
};

const millionths = (value: number): number => Math.round(value * 1_000_000) / 1_000_000;
/** Of a hundred on the wire, of one here. */
const share: Form = {
  read: (text) => {
    const value = Number(text);
    return text.trim() !== '' && value >= 0 && value <= 100 ? millionths(value / 100) : undefined;
  },
  write: (value: number) => String(millionths(value * 100)),
};

const [isSetUri, minutesUri] = rows.reminder.ews;
const reminder: FieldCodec<Reminder> = {
  paths: fieldUri(isSetUri) + fieldUri(minutesUri),
  read(shown) {
    const isSet = boolean.read(textIn(shown, 'ReminderIsSet') ?? 'false');
    const minutes = integer.read(textIn(shown, 'ReminderMinutesBeforeStart') ?? '0');
    return isSet === undefined || minutes === undefined
      ? undefined
      : { isSet: isSet as boolean, minutesBefore: minutes as number };
  },
  create: (value) => reminderParts(value),
  update: (value) => reminderParts(value),
};
const reminderParts = ({ isSet, minutesBefore }: Reminder) => [
  typedPart(isSetUri, String(isSet)),
  typedPart(minutesUri, String(minutesBefore)),
];

const [recurrenceUri] = rows.recurrence.ews;
const recurrence: FieldCodec<Recurrence | null> = {
  paths: fieldUri(recurrenceUri),
  read(shown) {
    const element = shown.typed.get('Recurrence');
    return element === undefined ? null : readTaskRecurrence(element);
  },
  create: (value, version) =>
    value === null
      ? []
      : [{ path: fieldUri(recurrenceUri), element: 'Recurrence', xml: writeTaskRecurrence(value, version) }],
  update: (value, _, version) => [
    {
      path: fieldUri(recurrenceUri),
      element: 'Recurrence',
      xml: value === null ? null : writeTaskRecurrence(value, version),
    },
  ],
};

const midnight = '00:00:00';

/** Tasks, [MS-OXOTASK]. https://learn.microsoft.com/exchange/client-developer/web-service-reference/task */
export const taskCodec: KindCodec<'tasks'> = {
  kind: 'tasks',
  element: { create: 'Task', update: 'Task' },
  itemClass: 'ipm.task',
  alwaysClass: false,
  order: [
    'ItemClass',
    'Subject',
    'Sensitivity',
    'Body',
    'Categories',
    'Importance',
    'ReminderDueBy',
    'ReminderIsSet',
    'ReminderMinutesBeforeStart',
    'ExtendedProperty',
    'ActualWork',
    'BillingInformation',
    'Companies',
    'CompleteDate',
    'Contacts',
    'DueDate',
    'Mileage',
    'PercentComplete',
    'Recurrence',
    'StartDate',
    'Status',
    'TotalWork',
  ],
  // Updates are carried out in this order: the day of completion comes after what would set it to today.
  fields: {
    subject: typedText(rows.subject),
    body: typedBody(rows.body),
    recurrence,
    status: typedValue(rows.status, status, 'not-started'),
    percentComplete: typedValue(rows.percentComplete, share, 0),
    completedDay: typedDay(rows.completedDay, midnight),
    startDay: typedDay(rows.startDay, midnight),
    dueDay: typedDay(rows.dueDay, midnight),
    actualWorkMinutes: typedValue(rows.actualWorkMinutes, integer, 0),
    totalWorkMinutes: typedValue(rows.totalWorkMinutes, integer, 0),
    owner: extendedText(rows.owner, rows.owner.ews[0]),
    billing: typedText(rows.billing),
    mileage: typedText(rows.mileage),
    companies: typedStrings(rows.companies),
    contacts: typedStrings(rows.contacts),
    reminderAt: typedValue<Instant | null>(rows.reminderAt, formOf('time'), null),
    reminder,
    categories: typedStrings(rows.categories),
    sensitivity: typedValue(rows.sensitivity, choice('normal', 'personal', 'private', 'confidential'), 'normal'),
    importance: typedValue(rows.importance, choice('low', 'normal', 'high'), 'normal'),
  },
  unread: plainFields.tasks,
  indispensable: ['recurrence'],
  always: [],
  losses: [
    {
      field: 'body',
      keptFrom: null,
      what: 'HTML gets a head that names its character set',
      concerns: ({ body }) => body?.type === 'html' && !/<meta[^>]+http-equiv/i.test(body.text),
    },
    ...(['status', 'percentComplete'] as const).map((field) => ({
      field,
      keptFrom: null,
      what: 'status, share of work and day of completion go together: any of them completes a task, and work begins it',
      concerns: (set: Partial<TaskFields>, after: TaskFields) =>
        (set.status !== undefined || set.percentComplete !== undefined || set.completedDay !== undefined) &&
        settledCompletion(after)[field] !== after[field],
    })),
    {
      field: 'recurrence',
      keptFrom: null,
      what: 'a task that is completed repeats no more: the server would begin the next one',
      concerns: (_, after) => after.recurrence !== null && settledCompletion(after).status === 'completed',
    },
    {
      field: 'recurrence',
      keptFrom: 'Exchange2010_SP1',
      what: 'weeks begin on Sunday, which moves some days of a pattern of every other week that begins on another day',
      concerns: ({ recurrence: own }) =>
        own !== undefined && own !== null && taskRecurrenceLoss(own, 'Exchange2007_SP1') !== null,
    },
    {
      field: 'recurrence',
      keptFrom: null,
      what: beginsLater,
      concerns: ({ recurrence: own }) => own !== undefined && own !== null && isBegunLater(own),
    },
    {
      field: 'completedDay',
      keptFrom: null,
      what: 'a completed task without a day of completion gets the day on which it is written',
      concerns: (set, after) =>
        (set.status !== undefined || set.percentComplete !== undefined || set.completedDay !== undefined) &&
        settledCompletion(after).status === 'completed' &&
        after.completedDay === null,
    },
    {
      field: 'attachments',
      keptFrom: 'Exchange2010',
      what: 'whether an attachment is shown inside the text',
      concerns: ({ attachments }) => attachments?.some(({ isInline }) => isInline) ?? false,
    },
    {
      field: 'attachments',
      keptFrom: null,
      what: typeIsGuessed,
      concerns: ({ attachments }) => attachments?.some(isUntyped) ?? false,
    },
  ],
  canonical: settledCompletion,
  settled(set, before) {
    if (before === null) {
      const whole = settledCompletion(set as TaskFields);
      return whole.status === 'completed' ? { ...whole, recurrence: null } : whole;
    }
    const settled = { ...set, ...settledChange(set, before) };
    const { status: now, recurrence: repeats } = { ...before, ...settled };
    return now === 'completed' && repeats !== null ? { ...settled, recurrence: null } : settled;
  },
  isPicture: () => false,
};
