import { select } from './collection.ts';
import type { Context } from './context.ts';
import { badRequest } from './graph-error.ts';
import { idOfFolder } from './rest-ids.ts';
import { type Json, ok, type Route } from './route.ts';
import { zoneOf } from './zoned-time.ts';

// learn.microsoft.com/graph/api/resources/mailboxsettings

const homes = {
  en: ['GMT Standard Time', 'en-GB', 'English (United Kingdom)'],
  de: ['W. Europe Standard Time', 'de-DE', 'Deutsch (Deutschland)'],
  fr: ['Romance Standard Time', 'fr-FR', 'français (France)'],
} as const;

/** As mailboxes are made: Monday to Friday, eight to five. */
export const workingHoursJson: Json = {
  daysOfWeek: ['monday', 'tuesday', 'wednesday', 'thursday', 'friday'],
  startTime: '08:00:00.0000000',
  endTime: '17:00:00.0000000',
  timeZone: { name: 'W. Europe Standard Time' },
};

const writable: ReadonlySet<string> = new Set([
  'timeZone',
  'dateFormat',
  'timeFormat',
  'language',
  'workingHours',
  'automaticRepliesSetting',
  'delegateMeetingMessageDeliveryOptions',
]);

/** By what the directory says of the owner. (mailboxSettings: userPurpose) */
function purposeOf(mailbox: Context['mailbox']): string {
  const { forest, resources } = mailbox.organization;
  const [owner] = forest.first.having('proxyAddresses', `smtp:${mailbox.address}`);
  const details = owner === undefined ? null : forest.first.text(owner, 'msExchRecipientTypeDetails');
  const purposes: Readonly<Record<string, string>> = { '2': 'linked', '4': 'shared', '16': 'room', '32': 'equipment' };
  return purposes[details ?? ''] ?? resources.find(({ address }) => address === mailbox.address)?.kind ?? 'user';
}

function settingsJson({ mailbox }: Context): Json {
  const [timeZone, locale, displayName] = homes[mailbox.language];
  const archive = mailbox.roles.get('archive');
  const kept: Record<string, unknown> = {};
  for (const name of writable) {
    const text = mailbox.settings.get(`graph ${name}`);
    if (text !== undefined) kept[name] = JSON.parse(text);
  }
  return {
    ...(archive === undefined ? {} : { archiveFolder: idOfFolder(archive) }),
    timeZone,
    delegateMeetingMessageDeliveryOptions: 'sendToDelegateOnly',
    dateFormat: 'dd.MM.yyyy',
    timeFormat: 'HH:mm',
    userPurpose: purposeOf(mailbox),
    automaticRepliesSetting: {
      status: 'disabled',
      externalAudience: 'all',
      internalReplyMessage: '',
      externalReplyMessage: '',
    },
    language: { locale, displayName },
    workingHours: workingHoursJson,
    ...kept,
  };
}

const entity = (context: Context): Json => ({
  '@odata.context': context.contextOf(`${context.userTail}/mailboxSettings`),
  ...select(settingsJson(context), context.query),
});

export const settingsRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: 'users/{user}/mailboxSettings',
    needs: 'settingsRead',
    run: (context) => ok(entity(context)),
  },
  {
    method: 'PATCH',
    path: 'users/{user}/mailboxSettings',
    needs: 'settingsWrite',
    run(context) {
      for (const [name, value] of Object.entries(context.json())) {
        if (name.startsWith('@')) continue;
        if (!writable.has(name)) throw badRequest(`The setting '${name}' cannot be changed.`);
        if (name === 'timeZone') zoneOf(String(value));
        context.mailbox.settings.set(`graph ${name}`, JSON.stringify(value));
      }
      context.mailbox.markDirty();
      return ok(entity(context));
    },
  },
];
