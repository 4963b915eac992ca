/**
 * The floor of the lag: how fast a new event can be carried over EWS at all. Notification → SyncFolderItems → GetItem → look-up of the
 * identity → CreateItem, by plain `node:http` and string search; no state but the place in the feed, no retries, nothing of Causeway.
 *
 *   node dist/bench-calendar-floor.js SOURCE TARGET PAIRS    ends each {"url","user","password"}, pairs [["a@x","a@y"],…]
 */
import { Agent, type IncomingMessage, request } from 'node:http';

interface End {
  readonly url: string;
  readonly user: string;
  readonly password: string;
}
const [source, target, pairs] = process.argv.slice(2).map((text) => JSON.parse(text)) as [End, End, [string, string][]];
const agent = new Agent({ keepAlive: true });
const types = 'http://schemas.microsoft.com/exchange/services/2006/types';
const identity = '<t:ExtendedFieldURI DistinguishedPropertySetId="Meeting" PropertyId="35" PropertyType="Binary"/>';

function send(to: End, owner: string, body: string): Promise<IncomingMessage> {
  const whole = Buffer.from(
    `<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:t="${types}" xmlns:m="${types.replace('types', 'messages')}"><s:Header><t:RequestServerVersion Version="Exchange2010_SP2"/><t:ExchangeImpersonation><t:ConnectingSID><t:PrimarySmtpAddress>${owner}</t:PrimarySmtpAddress></t:ConnectingSID></t:ExchangeImpersonation></s:Header><s:Body>${body}</s:Body></s:Envelope>`,
  );
  return new Promise((resolve, reject) => {
    const sent = request(to.url, {
      method: 'POST',
      agent,
      auth: `${to.user}:${to.password}`,
      headers: { 'content-type': 'text/xml; charset=utf-8', 'content-length': whole.length },
    });
    sent.once('error', reject).once('response', resolve).end(whole);
  });
}

async function ask(to: End, owner: string, body: string): Promise<string> {
  const answer = await send(to, owner, body);
  const chunks: Buffer[] = [];
  for await (const chunk of answer as AsyncIterable<Buffer>) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString();
  if (answer.statusCode !== 200) throw new Error(`HTTP ${answer.statusCode}: ${text.slice(0, 600)}`);
  return text;
}
const first = (text: string, pattern: RegExp): string | null => pattern.exec(text)?.[1] ?? null;
const calendar = '<t:DistinguishedFolderId Id="calendar"/>';

interface Box {
  readonly end: End;
  readonly other: End;
  readonly address: string;
  readonly twin: string;
  state: string;
  busy: Promise<void>;
}

/** What the feed has that it had not before. */
async function feed(box: Box): Promise<readonly string[]> {
  const page = await ask(
    box.end,
    box.address,
    `<m:SyncFolderItems><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape><m:SyncFolderId>${calendar}</m:SyncFolderId>${box.state && `<m:SyncState>${box.state}</m:SyncState>`}<m:MaxChangesReturned>512</m:MaxChangesReturned></m:SyncFolderItems>`,
  );
  box.state = first(page, /<m:SyncState>([^<]*)</) ?? '';
  return [...page.matchAll(/<t:Create>.*?<t:ItemId Id="([^"]*)"/gs)].map(([, id = '']) => id);
}

async function carry(box: Box): Promise<void> {
  for (const id of await feed(box)) {
    const item = await ask(
      box.end,
      box.address,
      `<m:GetItem><m:ItemShape><t:BaseShape>AllProperties</t:BaseShape><t:AdditionalProperties>${identity}</t:AdditionalProperties></m:ItemShape><m:ItemIds><t:ItemId Id="${id}"/></m:ItemIds></m:GetItem>`,
    );
    const key = first(item, /PropertyId="35"[^>]*\/>\s*<t:Value>([^<]*)</);
    if (key === null) continue;
    const found = await ask(
      box.other,
      box.twin,
      `<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape><m:Restriction><t:IsEqualTo>${identity}<t:FieldURIOrConstant><t:Constant Value="${key}"/></t:FieldURIOrConstant></t:IsEqualTo></m:Restriction><m:ParentFolderIds>${calendar}</m:ParentFolderIds></m:FindItem>`,
    );
    if (found.includes('<t:ItemId ')) continue;
    const get = (tag: string) => first(item, new RegExp(`<t:${tag}(?: [^>]*)?>([^<]*)<`)) ?? '';
    await ask(
      box.other,
      box.twin,
      `<m:CreateItem SendMeetingInvitations="SendToNone"><m:SavedItemFolderId>${calendar}</m:SavedItemFolderId><m:Items><t:CalendarItem><t:Subject>${get('Subject')}</t:Subject><t:Body BodyType="Text">${get('Body')}</t:Body><t:UID>${get('UID')}</t:UID><t:Start>${get('Start')}</t:Start><t:End>${get('End')}</t:End></t:CalendarItem></m:Items></m:CreateItem>`,
    );
  }
}

const boxes = new Map<string, Box>();
async function watch(end: End, owned: readonly Box[]): Promise<void> {
  const bySubscription = new Map<string, Box>();
  for (const box of owned) {
    const made = await ask(
      end,
      box.address,
      `<m:Subscribe><m:StreamingSubscriptionRequest><t:FolderIds>${calendar}</t:FolderIds><t:EventTypes><t:EventType>CreatedEvent</t:EventType></t:EventTypes></m:StreamingSubscriptionRequest></m:Subscribe>`,
    );
    bySubscription.set(first(made, /<m:SubscriptionId>([^<]*)</) ?? '', box);
    await feed(box);
  }
  const ids = [...bySubscription.keys()].map((id) => `<t:SubscriptionId>${id}</t:SubscriptionId>`).join('');
  const stream = await send(
    end,
    owned[0]?.address ?? '',
    `<m:GetStreamingEvents><m:SubscriptionIds>${ids}</m:SubscriptionIds><m:ConnectionTimeout>30</m:ConnectionTimeout></m:GetStreamingEvents>`,
  );
  stream.on('data', (chunk: Buffer) => {
    for (const [, id = ''] of chunk.toString().matchAll(/<t:SubscriptionId>([^<]*)</g)) {
      const box = bySubscription.get(id);
      if (box) box.busy = box.busy.then(() => carry(box));
    }
  });
}
const sides = [0, 1].map((side) =>
  pairs.map((pair): Box => {
    const [end, other] = side === 0 ? [source, target] : [target, source];
    const [address = '', twin = ''] = side === 0 ? pair : [pair[1], pair[0]];
    const box = { end, other, address, twin, state: '', busy: Promise.resolve() };
    boxes.set(address, box);
    return box;
  }),
);
await Promise.all([watch(source, sides[0] ?? []), watch(target, sides[1] ?? [])]);
console.log(JSON.stringify({ watching: boxes.size }));
