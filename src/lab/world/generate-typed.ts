import { contentOfOccurrence, occurrenceOn } from './appointment.ts';
import { calendarKey, stateFlag } from './calendar-keys.ts';
import type { Attendee, CalendarException } from './calendar-part.ts';
import { dice } from './generate.ts';
import { cleanIdOfUid } from './global-object-id.ts';
import type { Attachment, ItemContent, ItemOrigin } from './item.ts';
import { appointmentOf, type Plan } from './make-appointment.ts';
import { addressPart, givenNames, surnames } from './person-names.ts';
import { plainContent } from './plain-content.ts';
import { key, messageFlag, type Property, type PropertyKey, tagKey } from './property.ts';
import { dayNumber, dayOfNumber, dayOfWall, occurrenceDays, type Pattern, type Recurrence } from './recurrence.ts';
import { instantOf, spanIn, utc, wallOf, windowsZone, type Zone } from './zone.ts';

export const typedKinds = ['appointment', 'contact', 'task', 'note'] as const;
export type TypedKind = (typeof typedKinds)[number];

/** What an item that is no mail is made from; nothing else goes into it. */
export interface TypedRecipe {
  readonly kind: TypedKind;
  /** Of the mailbox. */
  readonly start: number;
  /** Counts the items of the kind in the mailbox. */
  readonly index: number;
  readonly owner: { readonly name: string; readonly address: string; readonly guid: string };
  readonly language: 'en' | 'de' | 'fr';
  readonly createdAtMs: number;
  /** When the world began: calendars lie around it. */
  readonly nowMs: number;
}

const hourMs = 3_600_000;
const dayMs = 86_400_000;
const minuteMs = 60_000;

const subjects = [
  'Jour fixe',
  'Budget review',
  'Zahnarzt',
  'Projekt Ä: Abstimmung',
  'Réunion hebdomadaire',
  'Lunch with Ben',
  '会議',
  '1:1',
  'Release 🎉',
  'Server maintenance',
  'Elternabend',
  'Flight LH 123; gate, seat',
];
const places = ['Room 1', 'Besprechungsraum Süd', 'online', '', 'Salle "Étoile"', 'Berlin, Alexanderplatz 1'];
const categories = ['Red Category', 'Projekt Ä', 'Private'];
const sentences = [
  'Please bring the figures.',
  'Agenda folgt.',
  'On se retrouve à 9 h.',
  'Dial in: https://meet.test/j/123?pwd=a&b=c',
  'Moved from last week.',
];

type Roll = () => number;
function pick<T>(list: readonly T[], roll: Roll): T {
  return list[Math.floor(roll() * list.length)] as T;
}

const homeZones = { en: 'GMT Standard Time', de: 'W. Europe Standard Time', fr: 'Romance Standard Time' } as const;
const otherZones = [
  'Eastern Standard Time',
  'Tokyo Standard Time',
  'India Standard Time',
  'AUS Eastern Standard Time',
  'UTC',
];

function zoneFor(recipe: TypedRecipe, roll: Roll): Zone {
  const home = windowsZone(homeZones[recipe.language]) ?? utc;
  const at = roll();
  if (at < 0.85) return home;
  if (at < 0.97) return windowsZone(pick(otherZones, roll)) ?? utc;
  // A definition of a client's own, as Outlook keeps it for zones whose rules have changed.
  return { id: 'Customized Time Zone', name: '(UTC+01:00) Customized', spans: [spanIn(home, 2010)] };
}

function somebody(roll: Roll): { readonly name: string; readonly address: string } {
  const given = pick(givenNames, roll);
  const surname = pick(surnames, roll);
  return { name: `${given} ${surname}`, address: `${addressPart(given)}.${addressPart(surname)}@partner.test` };
}

function patternFor(roll: Roll, startDay: number): Pattern {
  const weekday = (((startDay + 4) % 7) + 7) % 7;
  const date = new Date(startDay * dayMs);
  const interval = roll() < 0.7 ? 1 : 2 + Math.floor(roll() * 3);
  const nth = roll() < 0.3 ? -1 : 1 + Math.floor(roll() * 4);
  switch (Math.floor(roll() * 8)) {
    case 0:
      return { kind: 'daily', interval };
    case 1:
      return { kind: 'monthly', interval, day: roll() < 0.3 ? 31 : date.getUTCDate() };
    case 2:
      return {
        kind: 'monthly-nth',
        interval,
        day: roll() < 0.3 ? pick(['day', 'weekday', 'weekend'] as const, roll) : weekday,
        nth,
      };
    case 3:
      return { kind: 'yearly', month: date.getUTCMonth() + 1, day: date.getUTCDate() };
    case 4:
      return { kind: 'yearly-nth', month: date.getUTCMonth() + 1, day: weekday, nth };
    default:
      return {
        kind: 'weekly',
        interval,
        days: roll() < 0.6 ? [weekday] : [...new Set([weekday, (weekday + 2) % 7, (weekday + 3) % 7])].sort(),
        firstDay: roll() < 0.5 ? 1 : 0,
      };
  }
}

function attachmentsFor(roll: Roll): readonly Attachment[] {
  if (roll() > 0.12) return [];
  const content = Buffer.from(Array.from({ length: 40 }, () => pick(sentences, roll)).join('\r\n'));
  return [
    { no: 1, name: 'Agenda.txt', contentType: 'text/plain', contentId: null, isInline: false, content, itemXml: null },
  ];
}

/** Some occurrences are taken away, some are moved or renamed, as people do. */
function withExceptions(content: ItemContent, roll: Roll, atMs: number): ItemContent {
  const part = content.calendar;
  const recurrence = part?.recurrence ?? null;
  if (part === undefined || recurrence === null) return content;
  const deletedDays: string[] = [];
  const exceptions: CalendarException[] = [];
  let seen = 0;
  for (const number of occurrenceDays(recurrence)) {
    if (++seen > 20) break;
    const at = roll();
    if (seen === 1 || at > 0.25) continue;
    const day = dayOfNumber(number);
    if (at < 0.08) {
      deletedDays.push(day);
      continue;
    }
    const occurrence = occurrenceOn(content, day);
    if (occurrence === null) continue;
    const shown = contentOfOccurrence(content, occurrence);
    const properties = new Map<PropertyKey, Property>();
    if (at < 0.15)
      properties.set(key.subject, { type: 'String', value: `${shown.properties.get(key.subject)?.value} (moved)` });
    if (at > 0.12) properties.set(calendarKey.location, { type: 'String', value: pick(places, roll) });
    // Later on the same day, which crosses nothing.
    const byMs =
      at < 0.2 && !shown.properties.get(calendarKey.allDay)?.value
        ? Math.min(2 * hourMs, dayMs - 1 - recurrence.endOffsetMs)
        : 0;
    const shift = Math.max(0, Math.floor(byMs / (30 * minuteMs)) * 30 * minuteMs);
    exceptions.push({
      day,
      startMs: occurrence.startMs + shift,
      endMs: occurrence.endMs + shift,
      properties,
      body: roll() < 0.3 ? { type: 'Text', text: pick(sentences, roll) } : null,
      attachments: null,
      attendees: null,
      modifiedAtMs: atMs,
    });
  }
  return { ...content, calendar: { ...part, deletedDays, exceptions } };
}

function appointment(recipe: TypedRecipe, roll: Roll): ItemContent {
  const { owner, nowMs, createdAtMs, index } = recipe;
  const zone = zoneFor(recipe, roll);
  const kind = roll();
  const today = dayNumber(dayOfWall(wallOf(zone, nowMs)));
  const day = today + Math.floor((roll() - 0.4) * 500);
  const allDay = kind < 0.12;
  const isSeries = kind > 0.12 && kind < 0.36;
  const startWall =
    day * dayMs + (allDay ? 0 : (7 + Math.floor(roll() * 11)) * hourMs + (roll() < 0.4 ? 30 * minuteMs : 0));
  const lengthMs = allDay
    ? (1 + Math.floor(roll() * roll() * 5)) * dayMs
    : pick([15, 30, 60, 60, 90, 120, 480], roll) * minuteMs;
  const meeting = kind > 0.7;
  const received = kind > 0.85;
  const others: readonly Attendee[] = Array.from({ length: 1 + Math.floor(roll() * 4) }, (_, at) => ({
    ...somebody(roll),
    role: at === 3 ? 'optional' : 'required',
    response: pick(['Accept', 'Tentative', 'Decline', 'NoResponseReceived'] as const, roll),
    respondedAtMs: createdAtMs + hourMs,
  }));
  const organizer = received ? somebody(roll) : owner;
  const attendees: readonly Attendee[] = received
    ? [{ ...owner, role: 'required', response: 'Accept', respondedAtMs: null }, ...others]
    : others;
  const special = Math.floor(roll() * 40);
  const properties = new Map<PropertyKey, Property>();
  const put = (at: PropertyKey, type: string, value: Property['value']): void => {
    properties.set(at, { type, value });
  };
  if (meeting) put(calendarKey.fInvited, 'Boolean', true);
  if (meeting) put(calendarKey.sequence, 'Integer', Math.floor(roll() * 3));
  if (meeting) put(calendarKey.ownerCriticalChange, 'SystemTime', createdAtMs);
  if (received) {
    put(calendarKey.stateFlags, 'Integer', stateFlag.meeting | stateFlag.received);
    put(calendarKey.response, 'Integer', pick([2, 3, 3, 3, 5], roll));
    put(calendarKey.repliedAt, 'SystemTime', createdAtMs + 2 * hourMs);
    put(calendarKey.attendeeCriticalChange, 'SystemTime', createdAtMs + 2 * hourMs);
  }
  const recurrence: Pick<Recurrence, 'pattern' | 'range' | 'startDay'> = {
    pattern: isSeries ? patternFor(roll, day) : { kind: 'daily', interval: 1 },
    startDay: dayOfNumber(day),
    range:
      special < 8
        ? { kind: 'endless' }
        : special < 25
          ? { kind: 'count', count: 2 + Math.floor(roll() * 30) }
          : { kind: 'until', lastDay: dayOfNumber(day + 1100) },
  };
  const plan: Plan = {
    subject: `${pick(subjects, roll)}${roll() < 0.3 ? ` ${index}` : ''}`,
    startMs: instantOf(zone, startWall),
    endMs: instantOf(zone, startWall + lengthMs),
    zone,
    organizer,
    idFor: [owner.guid, index, createdAtMs],
    allDay,
    location: pick(places, roll),
    busyStatus: allDay ? (roll() < 0.5 ? 0 : 3) : pick([2, 2, 2, 1, 0], roll),
    reminderMinutes: roll() < 0.3 ? null : pick([0, 5, 15, 15, 60, 1440], roll),
    body:
      roll() < 0.5
        ? {
            type: 'Text',
            text: Array.from({ length: Math.floor(roll() * 5) }, () => pick(sentences, roll)).join('\r\n'),
          }
        : {
            type: 'HTML',
            text: `<html>\r\n<head>\r\n<meta http-equiv="Content-Type" content="text/html; charset=utf-8">\r\n</head>\r\n<body>\r\n<p>${pick(sentences, roll).replaceAll('&', '&amp;')}</p>\r\n</body>\r\n</html>\r\n`,
          },
    attachments: attachmentsFor(roll),
    properties,
    ...(special === 3 ? { id: cleanIdOfUid(`${recipe.start.toString(36)}-${index}@calendar.partner.test`) } : {}),
    ...(special % 13 === 5 ? { sensitivity: 2 } : {}),
    ...(roll() < 0.2 ? { categories: [pick(categories, roll)] } : {}),
    ...(meeting ? { attendees } : {}),
    ...(isSeries ? { recurrence } : {}),
  };
  const content = appointmentOf(plan);
  return isSeries && roll() < 0.6 ? withExceptions(content, roll, createdAtMs) : content;
}

const xml = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
const element = (name: string, text: string): readonly [string, string] => [
  name,
  `<t:${name}>${xml(text)}</t:${name}>`,
];

function base(recipe: TypedRecipe, itemClass: string, subject: string): Map<PropertyKey, Property> {
  return new Map<PropertyKey, Property>([
    [key.itemClass, { type: 'String', value: itemClass }],
    [key.subject, { type: 'String', value: subject }],
    [key.normalizedSubject, { type: 'String', value: subject }],
    [key.receivedAt, { type: 'SystemTime', value: recipe.createdAtMs }],
    [key.sentAt, { type: 'SystemTime', value: recipe.createdAtMs }],
  ]);
}

function contact(recipe: TypedRecipe, roll: Roll): ItemContent {
  const given = pick(givenNames, roll);
  const surname = pick(surnames, roll);
  const fileAs = `${surname}, ${given}`;
  const properties = base(recipe, 'IPM.Contact', `${given} ${surname}`);
  properties.set(key.displayName, { type: 'String', value: `${given} ${surname}` });
  const typed = new Map([
    element('FileAs', fileAs),
    element('DisplayName', `${given} ${surname}`),
    element('GivenName', given),
    element('CompanyName', pick(['Partner GmbH', 'Müller & Söhne', 'ACME <Europe>'], roll)),
    [
      'EmailAddresses',
      `<t:EmailAddresses><t:Entry Key="EmailAddress1">${addressPart(given)}.${addressPart(surname)}@partner.test</t:Entry></t:EmailAddresses>`,
    ] as const,
    [
      'PhoneNumbers',
      `<t:PhoneNumbers><t:Entry Key="MobilePhone">+49 170 ${1_000_000 + Math.floor(roll() * 8_999_999)}</t:Entry></t:PhoneNumbers>`,
    ] as const,
    element('Surname', surname),
  ]);
  return plainContent({ properties, typed, body: { type: 'Text', text: roll() < 0.3 ? pick(sentences, roll) : '' } });
}

function task(recipe: TypedRecipe, roll: Roll): ItemContent {
  const properties = base(
    recipe,
    'IPM.Task',
    pick(['Steuererklärung', 'Call the vendor', 'Renew badge', 'Relire le contrat'], roll),
  );
  const done = roll() < 0.3;
  const due = new Date(recipe.nowMs + Math.floor((roll() - 0.3) * 60) * dayMs).toISOString().slice(0, 10);
  if (roll() < 0.2) properties.set(key.keywords, { type: 'StringArray', value: [pick(categories, roll)] });
  const typed = new Map([
    element('DueDate', `${due}T00:00:00Z`),
    element('PercentComplete', done ? '100' : String(Math.floor(roll() * 4) * 25)),
    element('Status', done ? 'Completed' : 'NotStarted'),
  ]);
  return plainContent({ properties, typed, body: { type: 'Text', text: pick(sentences, roll) } });
}

function note(recipe: TypedRecipe, roll: Roll): ItemContent {
  const text = `${pick(subjects, roll)}\r\n${pick(sentences, roll)}`;
  const properties = base(recipe, 'IPM.StickyNote', text.slice(0, text.indexOf('\r')));
  properties.set(tagKey(0x1080), { type: 'Integer', value: 768 + Math.floor(roll() * 5) });
  return plainContent({ properties, body: { type: 'Text', text } });
}

const makers = { appointment, contact, task, note } as const;

/** The origin of a generated item; made when it is looked at, always the same. */
export function typedOriginOf(recipe: TypedRecipe): ItemOrigin {
  let made: WeakRef<ItemContent> | null = null;
  return {
    messageFlags: messageFlag.read,
    content() {
      const kept = made?.deref();
      if (kept !== undefined) return kept;
      const roll = dice(
        recipe.start ^ Math.imul(recipe.index + 1, 0x85ebca6b) ^ (typedKinds.indexOf(recipe.kind) << 24),
      );
      const content = makers[recipe.kind](recipe, roll);
      made = new WeakRef(content);
      return content;
    },
  };
}

/** Where a mailbox keeps each kind. */
export const typedFolders: Readonly<Record<TypedKind, string>> = {
  appointment: 'calendar',
  contact: 'contacts',
  task: 'tasks',
  note: 'notes',
};
