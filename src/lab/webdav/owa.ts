import { busySource, busyTimes, mergedStream } from '../meetings/free-busy.ts';
import type { MailboxEntry } from '../world/organization.ts';
import type { DavContext } from './context.ts';
import type { DavAnswer, DavCall } from './dav-call.ts';
import { DavError } from './dav-error.ts';
import { esc } from './multistatus.ts';
import { savedPage, welcomePage } from './owa-pages.ts';
import { patchedNew } from './rewrite.ts';
import { readTime } from './sql.ts';
import { itemNames } from './url-names.ts';
import { createItem } from './write-item.ts';

// What browsers ask of Outlook Web Access at the same addresses, by `Cmd` in the query. (DavMail galFind, galLookup, getFreeBusyData)

const foundMax = 100;
const xmlHeaders = { 'content-type': 'text/xml' };

function queryOf(path: string): URLSearchParams {
  const at = path.indexOf('?');
  // Names of parameters are compared without their case.
  const given = new URLSearchParams(at < 0 ? '' : path.slice(at + 1));
  return new URLSearchParams([...given].map(([name, value]): [string, string] => [name.toLowerCase(), value]));
}

/** Null: nothing that OWA answers in its own way. */
export function owaAnswer(call: DavCall): DavAnswer | null {
  const { context, path } = call;
  const query = queryOf(path);
  switch (query.get('cmd')?.toLowerCase()) {
    case 'galfind':
      return galFind(context, query);
    case 'gallookup':
      return galLookup(context, query);
    case 'freebusy':
      return freeBusy(context, query);
  }
  if (!/^\/exchange\/?$/i.test(path.split('?', 1)[0] ?? '')) return null;
  const entry = context.organization.entry(context.caller.user);
  if (entry === null) throw new DavError(404, 'the account has no mailbox');
  const mailbox = context.mailbox(entry.address.slice(0, entry.address.indexOf('@')));
  return welcomePage(context.folderUrl(mailbox.folder('msgfolderroot')));
}

const alias = ({ address }: MailboxEntry): string => address.slice(0, address.indexOf('@'));
const partsOfName = ({ displayName }: MailboxEntry): { readonly first: string; readonly last: string } => {
  const space = displayName.indexOf(' ');
  return space < 0
    ? { first: displayName, last: '' }
    : { first: displayName.slice(0, space), last: displayName.slice(space + 1) };
};

/** Who matches all that is asked, each by its beginning. */
function galFind({ organization }: DavContext, query: URLSearchParams): DavAnswer {
  const fields: Readonly<Record<string, (entry: MailboxEntry) => string>> = {
    an: alias,
    dn: ({ displayName }) => displayName,
    em: ({ address }) => address,
    fn: (entry) => partsOfName(entry).first,
    ln: (entry) => partsOfName(entry).last,
  };
  const asked = [...query].filter(([name, value]) => name in fields && value !== '');
  const found =
    asked.length === 0
      ? []
      : organization.mailboxes.filter((entry) =>
          asked.every(([name, value]) => (fields[name]?.(entry) ?? '').toLowerCase().startsWith(value.toLowerCase())),
        );
  const items = found
    .slice(0, foundMax)
    .map(
      (entry) =>
        `<item><AN>${esc(alias(entry))}</AN><DN>${esc(entry.displayName)}</DN><EM>${esc(entry.address)}</EM><PH></PH><OFFICE></OFFICE><TL></TL><CP></CP></item>`,
    );
  return { status: 200, headers: xmlHeaders, body: `<?xml version="1.0"?><response>${items.join('')}</response>` };
}

function galLookup({ organization }: DavContext, query: URLSearchParams): DavAnswer {
  const entry = organization.entry(query.get('addr') ?? '');
  const { first, last } = entry === null ? { first: '', last: '' } : partsOfName(entry);
  const person =
    entry === null
      ? ''
      : `<person><alias>${esc(alias(entry))}</alias><first>${esc(first)}</first><last>${esc(last)}</last><displayname>${esc(entry.displayName)}</displayname><email>${esc(entry.address)}</email></person>`;
  return { status: 200, headers: xmlHeaders, body: `<?xml version="1.0"?><response>${person}</response>` };
}

const intervalsMax = 10_000;
/** 0 free, 1 tentative, 2 busy, 3 away, 4 unknown. */
const unknown = '4';

function freeBusy({ organization, caller }: DavContext, query: URLSearchParams): DavAnswer {
  const fromMs = readTime(query.get('start') ?? '');
  const toMs = readTime(query.get('end') ?? '');
  const minutes = Number(query.get('interval') ?? 30);
  if (fromMs === null || toMs === null || !(minutes >= 5 && minutes <= 1440) || fromMs >= toMs)
    throw new DavError(400, 'the time that is asked about cannot be read');
  const intervals = Math.ceil((toMs - fromMs) / (minutes * 60_000));
  if (intervals > intervalsMax) throw new DavError(400, 'the time that is asked about is too long');
  const items = query.getAll('u').map((user) => {
    const address = user.replace(/^smtp:/i, '').trim();
    const source = busySource(organization, address, null, () => false);
    // What is published is the organization's own, in its public folders. (assumed: at once)
    const data =
      source === null || source.external
        ? unknown.repeat(intervals)
        : mergedStream(busyTimes(source, caller.user, fromMs, toMs), fromMs, toMs, minutes * 60_000);
    return `<a:item><a:displayname>${esc(address)}</a:displayname><a:email type="SMTP">${esc(address)}</a:email><a:type>1</a:type><a:fbdata>${data}</a:fbdata></a:item>`;
  });
  return {
    status: 200,
    headers: xmlHeaders,
    body: `<?xml version="1.0"?><a:response xmlns:a="WM"><a:recipients>${items.join('')}</a:recipients></a:response>`,
  };
}

/** POST of a form to a folder: `saveappt` makes an appointment. Null: another command. */
export function owaPost(call: DavCall): DavAnswer | null {
  if (!/^\s*application\/x-www-form-urlencoded\b/i.test(call.headers['content-type'] ?? '')) return null;
  const form = queryOf(`?${call.body.toString('utf8')}`);
  if (form.get('cmd')?.toLowerCase() !== 'saveappt') throw new DavError(501, 'this form is not known here');
  const resource = call.context.resolve(call.path);
  if (resource.kind !== 'folder') throw new DavError(404, 'there is no such folder');
  const { folder } = resource;
  const name = itemNames(folder).free('No Subject.EML');
  const item = createItem(call, folder, name, patchedNew('IPM.Appointment', folder, []));
  return savedPage(call.context.itemUrl(item));
}
