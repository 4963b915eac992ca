import type { Mailbox } from '../world/mailbox.ts';
import type { CalendarSettings } from './calendar-settings.ts';

type Processing = CalendarSettings['automateProcessing'];

/** By the value of AutomateProcessing in the calendar options dictionary. [MS-OXOCFG] 2.2.5.1.1 */
const meanings: readonly Processing[] = ['None', 'AutoUpdate', 'AutoAccept'];

const placeOf = (mailbox: Mailbox): string => `configuration ${mailbox.folder('calendar').no} calendar`;
const entry =
  /(<t:Value>AutomateProcessing<\/t:Value>\s*<\/t:DictionaryKey>\s*<t:DictionaryValue>\s*<t:Type>Integer32<\/t:Type>\s*<t:Value>)([0-2])(?=<\/t:Value>)/;

/** What programs may have written there; null: nothing, so that the organization's word counts. */
export function storedProcessing(mailbox: Mailbox): Processing | null {
  const value = entry.exec(mailbox.settings.get(placeOf(mailbox)) ?? '')?.[2];
  return value === undefined ? null : (meanings[Number(value)] ?? null);
}

/** Set-CalendarProcessing writes it where programs read it. */
export function storeProcessing(mailbox: Mailbox, processing: Processing): void {
  const value = String(meanings.indexOf(processing));
  const known = mailbox.settings.get(placeOf(mailbox)) ?? '';
  const fresh = `<t:DictionaryEntry><t:DictionaryKey><t:Type>String</t:Type><t:Value>AutomateProcessing</t:Value></t:DictionaryKey><t:DictionaryValue><t:Type>Integer32</t:Type><t:Value>${value}</t:Value></t:DictionaryValue></t:DictionaryEntry>`;
  const streams = entry.test(known)
    ? known.replace(entry, `$1${value}`)
    : known.includes('</t:Dictionary>')
      ? known.replace('</t:Dictionary>', `${fresh}</t:Dictionary>`)
      : `<t:Dictionary>${fresh}</t:Dictionary>${known}`;
  if (streams === known) return;
  mailbox.settings.set(placeOf(mailbox), streams);
  mailbox.markDirty();
}
