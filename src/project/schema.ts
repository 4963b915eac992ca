import { z } from 'zod';
import { folderRoles } from '#model/folder.ts';
import { collectionDirectory, directoryAccess, directorySync } from './directory-schema.ts';
import { choice, count, list, maxDelete, named, secret, side, strict, text, user, yesNo } from './schema-parts.ts';
import { didYouMean } from './suggest.ts';
import { submission, switching } from './switch-schema.ts';
import { isHost, isServiceUrl, parseDay, parseDuration, parseSize } from './values.ts';
import { parseWindow } from './window.ts';

/**
 * The project file as it is written. One place for what is accepted, for the messages, and for the JSON Schema that editors
 * use. `project.ts` turns what it accepts into plain data of ours.
 */

const endpoint = text('an https:// address without user or password (http:// only on this machine)', isServiceUrl);

const budget = {
  inFlight: count('a number of requests', 1, 1000).optional().describe('Requests on their way at the same time.'),
  requestsPerMinute: count('a number of requests', 1, 1_000_000).optional(),
  bytesPerMinute: text('a size such as 200 MB', (value) => parseSize(value) !== null)
    .optional()
    .describe('Both directions together, such as 200 MB.'),
};

const signIn = z.discriminatedUnion(
  'method',
  [
    strict({ method: z.literal('basic'), user, password: secret }),
    strict({ method: z.literal('ntlm'), user, password: secret }),
    strict({ method: z.literal('forms'), user, password: secret }).describe(
      'The logon page of Outlook Web Access, for webdav.',
    ),
    strict({
      method: z.literal('oauth'),
      tenant: text('the tenant id or one of its domains', (value) => /^[\w.-]{1,253}$/.test(value)),
      clientId: text('the application (client) id', (value) => /^[\w-]{1,64}$/.test(value)),
      clientSecret: secret.optional().describe('Either this or certificate.'),
      certificate: strict({
        key: secret.describe('Private key in PEM, by reference.'),
        chain: text('the path of a PEM file', (value) => value !== '').describe('Path of the certificate in PEM.'),
      })
        .optional()
        .describe('Either this or clientSecret.'),
      authority: endpoint.optional().describe('Sign-in service; default https://login.microsoftonline.com.'),
      scope: text('a scope such as https://outlook.office365.com/.default', (value) =>
        /^\S{1,512}$/.test(value),
      ).optional(),
    }),
  ],
  {
    error: (issue) => {
      const given = (issue.input as { readonly method?: unknown } | null | undefined)?.method;
      const words = ['basic', 'ntlm', 'forms', 'oauth'];
      return `method must be one of ${words.join(', ')}${typeof given === 'string' ? didYouMean(given, words) : ''}`;
    },
  },
);

const exchangeVersions = ['2000', '2003', '2007', '2010', '2013', '2016', '2019', 'se', 'online'] as const;
const protocols = ['ews', 'webdav', 'graph'] as const;

/** What an organization is spoken to with when the file does not say. */
export const protocolOf = ({
  protocol,
  version,
}: {
  readonly protocol?: (typeof protocols)[number] | undefined;
  readonly version?: (typeof exchangeVersions)[number] | undefined;
}): (typeof protocols)[number] =>
  protocol ?? (version === '2000' || version === '2003' ? 'webdav' : version === 'online' ? 'graph' : 'ews');

const organization = strict({
  kind: choice(['exchange']),
  protocol: choice(protocols)
    .optional()
    .describe('Default by version: webdav for 2000 and 2003, graph for online, otherwise ews.'),
  endpoint: endpoint
    .optional()
    .describe(
      'EWS: …/EWS/Exchange.asmx; without it Autodiscover is asked. WebDAV: https://HOST/exchange/, needed. Graph: only for clouds of their own.',
    ),
  autodiscover: text(
    'a domain such as contoso.com, or an https:// address',
    (value) => isHost(value) || isServiceUrl(value),
  )
    .optional()
    .describe('Where Autodiscover is asked: a domain or an address. Without it the domain of each mailbox.'),
  version: z
    .preprocess((value) => (typeof value === 'number' ? String(value) : value), choice(exchangeVersions))
    .optional()
    .describe('Oldest version to expect; normally found out by itself.'),
  signIn,
  impersonation: yesNo.optional().describe('Open mailboxes by ApplicationImpersonation (default true).'),
  tls: strict({
    ca: z
      .union([z.string(), z.array(z.string())], { error: 'this must be the path of a PEM file, or a list of them' })
      .optional()
      .describe('PEM file of a certification authority that is trusted besides the system’s.'),
    min: z
      .preprocess(
        (value) => (typeof value === 'number' ? value.toFixed(1) : value),
        choice(['1.0', '1.1', '1.2', '1.3']),
      )
      .optional()
      .describe('Lowest TLS version (default 1.2). Below 1.2 for old servers only.'),
  }).optional(),
  redirectHosts: list(text('a host name, or *.domain', (value) => isHost(value.replace(/^\*\./, ''))))
    .optional()
    .describe('Hosts besides the endpoint’s own to which the server may send us: host or *.domain.'),
  notifications: strict({
    url: text(
      'an https:// address, {port} in it for the port that was taken',
      (value) => value.startsWith('https://') && URL.canParse(value.replaceAll('{port}', '443')),
    ).describe('Where Exchange Online sends notifications to; {port} stands for the port that a process listens on.'),
    listen: text('an address and port such as 127.0.0.1:8443', (value) =>
      /^[\w.:[\]-]{1,253}:\d{1,5}$/.test(value),
    ).describe('Where this machine listens behind that address; other processes of it take the ports that follow.'),
  })
    .optional()
    .describe('Graph: an address that the service can reach. Without it mailboxes are asked in turn.'),
  budgets: strict({ ...budget, perMailbox: strict(budget).optional() }).optional(),
  directory: directoryAccess
    .optional()
    .describe('The directory of the organization; without it only mailboxes are worked on.'),
  submission: submission
    .optional()
    .describe(
      'Where mail is submitted that is sent on order: probe mails and messages of a switch. Without it none is.',
    ),
}).superRefine((value, context) => {
  const refuse = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message });
  const protocol = protocolOf(value);
  const { method } = value.signIn;
  if (protocol === 'webdav' && value.endpoint === undefined)
    refuse('version', 'WebDAV cannot be found out: write endpoint: https://HOST/exchange/');
  if (protocol === 'webdav' && method === 'oauth') refuse('signIn', 'WebDAV takes forms, basic or ntlm');
  if (protocol === 'graph' && method !== 'oauth') refuse('signIn', 'Graph takes oauth only');
  if (protocol !== 'graph' && value.notifications !== undefined)
    refuse('notifications', 'notifications are for graph only');
  if (value.directory !== undefined && 'kind' in value.directory && method !== 'oauth')
    refuse('directory', 'Entra is read with the oauth sign-in of a Graph organization');
  if (protocol !== 'webdav' && method === 'forms') refuse('signIn', 'forms is for webdav only');
  if (value.signIn.method !== 'oauth') return;
  const ways = [value.signIn.clientSecret, value.signIn.certificate].filter((way) => way !== undefined).length;
  if (ways !== 1)
    context.addIssue({
      code: 'custom',
      path: ['signIn'],
      message: 'oauth needs clientSecret or certificate, and not both',
    });
});

const folderPattern = z.string({ error: 'this must be a folder pattern' }).superRefine((value, context) => {
  const [, role] = /^@([^/]*)/.exec(value) ?? [];
  const problem =
    role !== undefined && !(folderRoles as readonly string[]).includes(role)
      ? `@${role} is no well-known folder${didYouMean(role, folderRoles) || `; known: ${folderRoles.join(', ')}`}`
      : value === '' || value.length > 2000 || value.split('/').includes('')
        ? 'this must be a folder pattern such as Projects/** or @junkemail, without / at its ends'
        : null;
  if (problem !== null) context.addIssue({ code: 'custom', message: problem });
});
const folderPath = text('a folder path such as Projects/Old, without / at its ends and without *', (value) =>
  /^[^/*]+(?:\/[^/*]+)*$/.test(value),
);

const folderChoice = {
  include: list(folderPattern).optional().describe('Only these folders; without it all.'),
  exclude: list(folderPattern).optional().describe('Not these folders; wins over include.'),
};

/** Events, contacts, tasks or notes: kept in step when the block is there. */
const typedContent = (what: string, direction: 'both' | 'one-way') =>
  strict({
    direction: choice(['both', 'one-way'])
      .optional()
      .describe(`Default ${direction}. one-way: what changes on the target stays there.`),
    conflict: choice(['active', 'newest', 'source', 'target'])
      .optional()
      .describe('Who wins where both sides changed the same field (default active: where the person works).'),
    maxDelete,
    folders: strict(folderChoice).optional(),
  })
    .optional()
    .describe(`Keeps ${what} in step; without it they are left alone.`);

const day = text('a day such as 2019-12-31', (value) => parseDay(value) !== null);

const collection = strict({
  source: z.string({ error: 'this must be the name of an organization' }),
  target: z.string({ error: 'this must be the name of an organization' }),
  content: list(choice(['mail']))
    .optional()
    .describe('[mail] (default); [] where only calendars, contacts, tasks or notes are kept in step.'),
  calendar: typedContent('calendars', 'both'),
  contacts: typedContent('contacts', 'one-way'),
  tasks: typedContent('tasks', 'one-way'),
  notes: typedContent('notes', 'one-way'),
  active: side.optional().describe('Where the people of this collection work (default source): wins in conflicts.'),
  lagObjective: text('a duration such as 60 s', (value) => parseDuration(value) !== null)
    .optional()
    .describe(
      'Time within which a change is to be on the other side (default 60 s); status warns before it is missed.',
    ),
  pairs: strict({
    file: z
      .string({ error: 'this must be the path of a CSV file' })
      .min(1, { error: 'this must be the path of a CSV file' })
      .optional()
      .describe('CSV file with a header line and the columns source and target, and active where people differ.'),
    list: list(
      z.union([z.string(), strict({ pair: z.string(), active: side.optional() })], {
        error:
          'this must be "source -> target", a source address when there is a rule, or { pair: "source -> target", active: target }',
      }),
    )
      .optional()
      .describe(
        '`source -> target`; or only the source address, then the rule makes the target. `{ pair, active }` for a person who works elsewhere than the others.',
      ),
    rule: z
      .string({ error: 'this must be a rule such as "*@old.example -> *@new.example"' })
      .optional()
      .describe('Makes the target address of a source that is given alone: `*@old.example -> *@new.example`.'),
    directory: collectionDirectory
      .optional()
      .describe('Pairs of people that a directory sync has linked; causeway directory pairs writes them down.'),
  }).refine((value) => value.file !== undefined || value.list !== undefined || value.directory !== undefined, {
    error: 'name the mailboxes: file: a CSV file, list: addresses, or directory: people of a directory sync',
  }),
  folders: strict({
    ...folderChoice,
    map: z
      .record(folderPath, folderPath, { error: 'this must be a block of "source path: target path"' })
      .optional()
      .describe('Source folder path to target folder path.'),
  }).optional(),
  since: day.optional().describe('Items received before this day are not copied.'),
  until: day.optional().describe('Items received on this day or later are not copied.'),
  itemMax: text('a size such as 50 MB', (value) => parseSize(value) !== null)
    .optional()
    .describe('Larger items are left out and listed in the report.'),
  policy: strict({
    conflict: choice(['source', 'target'])
      .optional()
      .describe('Who wins when both sides changed the same thing (default target). The loser goes to the journal.'),
    maxDelete,
  }).optional(),
  schedule: strict({
    zone: text('a time zone such as Europe/Vienna', isZone).optional().describe('IANA time zone (default UTC).'),
    windows: list(text('a window such as "mon-fri 20:00-06:00"', (value) => parseWindow(value) !== null))
      .min(1, { error: 'name at least one window, or leave windows out' })
      .optional()
      .describe('When `run` may work on these pairs; without it always.'),
    everyMinutes: count('a number of minutes', 1, 10_080)
      .optional()
      .describe('Longest time between two passes of a pair (default 60).'),
  }).optional(),
  switch: switching.optional().describe('How people of this collection are switched to the target.'),
}).refine(
  ({ content, calendar, contacts, tasks, notes }) =>
    (content ?? ['mail']).length > 0 || [calendar, contacts, tasks, notes].some((block) => block !== undefined),
  { error: 'name at least one content', path: ['content'] },
);

export const projectSchema = strict({
  version: z.literal(1, { error: 'this must be 1' }),
  organizations: named(organization, 'organizations'),
  collections: named(collection, 'collections'),
  directory: named(directorySync, 'directory syncs')
    .optional()
    .describe('Directories that are kept in step: who exists on both sides, with which addresses.'),
  store: z
    .string({ error: 'this must be the address of the store' })
    .optional()
    .describe(
      'sqlite:PATH (default sqlite:.causeway/causeway.db), postgres://… without a password (PGPASSWORD and .pgpass are read), or env:NAME or file:PATH of the whole address.',
    ),
  budgets: strict(budget).optional().describe('For everything that this host does.'),
}).describe('Project file of Causeway, causeway.yaml.');

export type ProjectFile = z.output<typeof projectSchema>;

function isZone(value: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: value });
    return true;
  } catch {
    return false;
  }
}
