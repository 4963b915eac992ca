/**
 * The floor: how fast mail can be copied over EWS at all by this machine with Node. Plain `node:http`, no XML parser, no state, no
 * retries, nothing of Causeway. It asks for the same shapes and writes the same kinds of properties, so the bytes are alike.
 *
 *   node dist/bench-floor.js SOURCE TARGET      each {"url","user","password","mailbox"}
 */
import { Agent, request } from 'node:http';

const [source, target] = process.argv.slice(2).map((end): End => JSON.parse(end)) as [End, End];
const lanes = 4;
const batchItems = 100;
const batchBytes = 8 * 1024 * 1024;
const agent = new Agent({ keepAlive: true, maxSockets: lanes + 1 });

interface End {
  readonly url: string;
  readonly user: string;
  readonly password: string;
  readonly mailbox: string;
}

const types = 'http://schemas.microsoft.com/exchange/services/2006/types';
const head = (owner: string) =>
  Buffer.from(
    `<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:t="${types}" xmlns:m="${types.replace('types', 'messages')}"><s:Header><t:RequestServerVersion Version="Exchange2010"/><t:ExchangeImpersonation><t:ConnectingSID><t:PrimarySmtpAddress>${owner}</t:PrimarySmtpAddress></t:ConnectingSID></t:ExchangeImpersonation></s:Header><s:Body>`,
  );
const tail = Buffer.from('</s:Body></s:Envelope>');

function post(to: End, parts: readonly Buffer[]): Promise<Buffer> {
  const whole = [head(to.mailbox), ...parts, tail];
  return new Promise((resolve, reject) => {
    const sent = request(to.url, {
      method: 'POST',
      agent,
      auth: `${to.user}:${to.password}`,
      headers: {
        'content-type': 'text/xml; charset=utf-8',
        'content-length': whole.reduce((sum, part) => sum + part.length, 0),
      },
    });
    sent.once('error', reject);
    sent.once('response', (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.once('error', reject);
      answer.once('end', () => {
        const body = Buffer.concat(chunks);
        if (answer.statusCode === 200) resolve(body);
        else reject(new Error(`HTTP ${answer.statusCode}: ${body.toString('utf8', 0, 600)}`));
      });
    });
    sent.cork();
    for (const part of whole) sent.write(part);
    sent.end();
    sent.uncork();
  });
}

/** What lies between two marks, each time, up to `before`. */
function* between(text: Buffer, open: string, close: string): Generator<Buffer> {
  for (let at = text.indexOf(open); at >= 0; ) {
    const from = at + open.length;
    const to = text.indexOf(close, from);
    yield text.subarray(from, to);
    at = text.indexOf(open, to);
  }
}

const tags =
  '0x1090 Integer,0x1091 SystemTime,0x1095 Integer,0x0E2B Integer,0x1081 Integer,0x1082 SystemTime,0x1080 Integer,0x0E07 Integer,0x0039 SystemTime,0x0E06 SystemTime,0x1035 String,0x300B Binary,0x0071 Binary,0x0070 String,0x0015 SystemTime,0x0030 SystemTime,0x7D01 Boolean,0x3008 SystemTime';
const fields =
  'message:IsRead,item:Categories,item:Importance,item:Sensitivity,item:ItemClass,item:Subject,message:IsReadReceiptRequested,item:HasAttachments,item:Size,item:DateTimeCreated';
const uri = (tag: string, type: string) => `<t:ExtendedFieldURI PropertyTag="${tag}" PropertyType="${type}"/>`;
const paths = `<t:AdditionalProperties>${fields.replace(/[^,]+,?/g, (name) => `<t:FieldURI FieldURI="${name.replace(',', '')}"/>`)}${tags.replace(/(\w+) (\w+),?/g, (_, tag, type) => uri(tag, type))}</t:AdditionalProperties>`;
const extended = (tag: string, type: string, value: string) =>
  `<t:ExtendedProperty>${uri(tag, type)}<t:Value>${value}</t:Value></t:ExtendedProperty>`;
const written = Buffer.from(
  `</t:MimeContent>${extended('0x0E07', 'Integer', '1')}${extended('0x0039', 'SystemTime', '2024-01-08T02:43:04Z')}${extended('0x0E06', 'SystemTime', '2024-01-08T02:43:08Z')}${extended('0x1035', 'String', '&lt;00000000.0000@bench.test&gt;')}${extended('0x0071', 'Binary', 'AdpB+00000000AAAAAAAAAAAAAAA')}${extended('0x0070', 'String', 'Monthly report 00000000')}<t:ExtendedProperty><t:ExtendedFieldURI PropertySetId="7c3c5a4e-9d1b-4f0e-8a66-2f4b1d0c7e92" PropertyName="Mark" PropertyType="String"/><t:Value>${'f;'.repeat(90)}</t:Value></t:ExtendedProperty></t:Message>`,
);
const opened = Buffer.from('<t:Message><t:MimeContent>');

async function copy(ids: readonly string[]): Promise<void> {
  const refs = ids.map((id) => `<t:ItemId Id="${id}"/>`).join('');
  const got = await post(source, [
    Buffer.from(
      `<m:GetItem><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:IncludeMimeContent>true</t:IncludeMimeContent>${paths}</m:ItemShape><m:ItemIds>${refs}</m:ItemIds></m:GetItem>`,
    ),
  ]);
  const parts: Buffer[] = [
    Buffer.from(
      '<m:CreateItem MessageDisposition="SaveOnly"><m:SavedItemFolderId><t:DistinguishedFolderId Id="inbox"/></m:SavedItemFolderId><m:Items>',
    ),
  ];
  let mails = 0;
  for (const mime of between(got, '<t:MimeContent CharacterSet="UTF-8">', '</t:MimeContent>')) {
    parts.push(opened, mime, written);
    mails++;
    totals.bytes += Math.floor(mime.length * 0.75);
  }
  if (mails !== ids.length)
    throw new Error(`asked for ${ids.length} mails and got ${mails}: ${got.toString('utf8', 0, 900)}`);
  const made = await post(target, [...parts, Buffer.from('</m:Items></m:CreateItem>')]);
  const successes = [...between(made, 'ResponseClass="', '"')].filter((word) => word.equals(success)).length;
  if (successes !== mails) throw new Error(`created ${successes} of ${mails}: ${made.toString('utf8', 0, 900)}`);
  totals.items += mails;
}
const success = Buffer.from('Success');
const totals = { items: 0, bytes: 0 };

/** Batches of the source's Inbox as its feed shows them. */
async function* batches(): AsyncGenerator<readonly string[]> {
  let state = '';
  for (let last = false; !last; ) {
    const page = await post(source, [
      Buffer.from(
        `<m:SyncFolderItems><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape>${paths}</m:ItemShape><m:SyncFolderId><t:DistinguishedFolderId Id="inbox"/></m:SyncFolderId>${state && `<m:SyncState>${state}</m:SyncState>`}<m:MaxChangesReturned>512</m:MaxChangesReturned></m:SyncFolderItems>`,
      ),
    ]);
    for (const found of between(page, '<m:SyncState>', '</m:SyncState>')) state = found.toString('latin1');
    last = page.includes('IncludesLastItemInRange>true<');
    const ids = [...between(page, '<t:ItemId Id="', '"')].map((id) => id.toString('latin1'));
    const sizes = [...between(page, '<t:Size>', '<')].map((size) => Number(size.toString('latin1')));
    for (let from = 0; from < ids.length; ) {
      let to = from;
      for (let bytes = 0; to < ids.length && to - from < batchItems && (to === from || bytes < batchBytes); to++)
        bytes += sizes[to] ?? 0;
      yield ids.slice(from, to);
      from = to;
    }
  }
}

const startedMs = performance.now();
const before = process.cpuUsage();
const feed = batches();
const lane = async () => {
  for await (const ids of { [Symbol.asyncIterator]: () => ({ next: () => feed.next() }) }) await copy(ids);
};
await Promise.all(Array.from({ length: lanes }, lane));
const { user, system } = process.cpuUsage(before);
const seconds = (performance.now() - startedMs) / 1000;
console.log(
  JSON.stringify({
    ...totals,
    seconds,
    cpuSeconds: (user + system) / 1e6,
    peakRssMb: process.resourceUsage().maxRSS / 1024,
  }),
);
process.exit(0);
