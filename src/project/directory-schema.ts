import { z } from 'zod';
import { parseDn } from '#model/directory/distinguished-name.ts';
import { choice, count, list, maxDelete, secret, side, strict, text, user, yesNo } from './schema-parts.ts';
import { isHost } from './values.ts';

/** The blocks of the project file that are about directories: how one is reached, and what is kept in step. */

const url = text('an address such as ldaps://dc1.old.example', (value) => {
  const parsed = URL.canParse(value) ? new URL(value) : null;
  return (
    parsed !== null &&
    (parsed.protocol === 'ldaps:' || parsed.protocol === 'ldap:') &&
    parsed.hostname !== '' &&
    parsed.username === '' &&
    parsed.password === '' &&
    ['', '/'].includes(parsed.pathname) &&
    parsed.search === '' &&
    parsed.hash === ''
  );
});

const domain = text('a mail domain such as old.example', (value) => isHost(value) && value.includes('.'));
const domains = list(domain)
  .min(1, { error: 'name at least one domain' })
  .describe('Domains that this organization accepts mail for, the one of primary addresses first.');

const activeDirectory = strict({
  url: z
    .union([url, list(url).min(1, { error: 'name at least one controller' })], {
      error: 'this must be an address such as ldaps://dc1.old.example, or a list of them',
    })
    .describe(
      'Domain controllers; work stays with the first that answers, the others are asked whether they show it by now. Of a forest with several domains, some of each.',
    ),
  startTls: yesNo
    .optional()
    .describe('Begin with ldap:// and turn to TLS before anything is sent. Plain LDAP is not spoken.'),
  user,
  password: secret,
  domains,
}).superRefine((value, context) => {
  const plain = [value.url].flat().some((each) => each.startsWith('ldap:'));
  if (plain && value.startTls !== true)
    context.addIssue({
      code: 'custom',
      path: ['url'],
      message: 'ldap:// is not encrypted: write ldaps://, or startTls: true beside it',
    });
});
const entra = strict({
  kind: z.literal('entra').describe('The directory of a tenant, over Graph, with the sign-in of the organization.'),
  endpoint: text('an address such as https://graph.microsoft.us', (value) => {
    const parsed = URL.canParse(value) ? new URL(value) : null;
    return parsed?.protocol === 'https:' && parsed.username === '' && parsed.search === '' && parsed.hash === '';
  })
    .optional()
    .describe(
      'Graph of the cloud that the tenant is in; default the endpoint of the organization, else the worldwide one.',
    ),
  domains,
});

/** Of an organization. */
export const directoryAccess = z.union([entra, activeDirectory], {
  error: (issue) => {
    const given = issue.input as { readonly kind?: unknown } | null | undefined;
    return typeof given === 'object' && given !== null && 'kind' in given
      ? 'this must be { kind: entra, domains: [...] }'
      : 'this must be a block with url (ldaps://HOST), user, password and domains, or { kind: entra, domains: [...] }';
  },
});

const dn = text(
  'a distinguished name such as OU=Staff,DC=old,DC=example',
  (value) => (parseDn(value)?.length ?? 0) > 0,
);
/** What a group or a place is called where there are no distinguished names. */
const name = text('a distinguished name, or in a tenant an id, an address or a name', (value) => value.trim() !== '');
const attributeName = text('the name of an attribute such as extensionAttribute3', (value) =>
  /^[A-Za-z][A-Za-z0-9-]{0,127}$/.test(value),
);
/** The server has the last word about a filter; brackets that do not close would make one that says something else. */
const filter = text('an LDAP filter such as (department=Sales)', (value) => {
  let depth = 0;
  for (const [at, char] of [...value].entries()) {
    if (char === '(') depth++;
    if (char === ')') depth--;
    if (depth < 0 || (depth === 0 && at < [...value].length - 1)) return false;
  }
  return value.startsWith('(') && depth === 0 && value.length <= 4096;
});

const scope = strict({
  under: list(dn).optional().describe('Only what lies below these; without it the whole forest.'),
  filter: filter.optional().describe('Only objects that match this LDAP filter.'),
  memberOf: list(name)
    .optional()
    .describe('Only members of these groups, nested ones too; groups of a tenant by id, address or display name.'),
}).optional();

const bothSides = <Value extends z.ZodType>(value: Value) =>
  strict({ source: value.optional(), target: value.optional() }).optional();

const simpleRules = [
  'mail',
  'proxyAddresses',
  'sAMAccountName',
  'userPrincipalName',
  'employeeID',
  'sidHistory',
  'legacyExchangeDN',
] as const;
const matchRule = z.union(
  [
    choice(simpleRules),
    strict({ csv: z.string().min(1) }),
    strict({
      attribute: z.union([attributeName, strict({ source: attributeName, target: attributeName })]),
    }),
  ],
  {
    error: `this must be one of ${simpleRules.join(', ')}, { attribute: NAME }, { attribute: { source: NAME, target: NAME } } or { csv: FILE }`,
  },
);

const flow = ['merge', 'home', 'fill', 'none'] as const;
const attributeRule = z.union(
  [
    choice(flow),
    strict({ on: side, constant: z.union([z.string(), list(z.string())]) }),
    strict({ on: side, template: z.string().min(1) }),
    strict({
      on: side,
      map: strict({
        from: attributeName,
        values: z.record(z.string(), z.string()),
        otherwise: choice(['keep', 'drop']).optional(),
      }),
    }),
    strict({ on: side, csv: strict({ file: z.string().min(1), key: attributeName }) }),
  ],
  {
    error: `this must be one of ${flow.join(', ')}, or on: source or target with constant, template, map or csv`,
  },
);

const standIn = <const Words extends readonly [string, ...string[]]>(what: string, words: Words, byDefault: string) =>
  choice(words).optional().describe(`What stands for ${what} on the other side (default ${byDefault}).`);

/** One of the directory syncs. */
export const directorySync = strict({
  source: z
    .string({ error: 'this must be the name of an organization' })
    .describe('Organization whose people come first: the left side.'),
  target: z.string({ error: 'this must be the name of an organization' }).describe('The other one: the right side.'),
  direction: choice(['both', 'one-way']).optional().describe('Default both. one-way: only the target is ever written.'),
  scope: bothSides(scope).describe('What is looked at and may be written. What lies outside is never touched.'),
  into: bothSides(name).describe(
    'Container in which objects are made on each side; without it none are made there. On the side of a tenant, which has none, any text.',
  ),
  tree: choice(['flat', 'mirror'])
    .optional()
    .describe('Default flat: all in one container. mirror: below it the tree of organizational units is repeated.'),
  match: list(matchRule)
    .optional()
    .describe('How two objects are known to be the same: the first rule that finds anybody decides.'),
  people: standIn('a person', ['mail-user', 'contact', 'nothing'], 'mail-user'),
  shared: standIn('a shared mailbox', ['mail-user', 'contact', 'nothing'], 'mail-user'),
  resources: standIn('a room or equipment', ['mail-user', 'contact', 'nothing'], 'mail-user'),
  contacts: standIn('a contact', ['contact', 'nothing'], 'contact'),
  groups: standIn('a group', ['same', 'distribution', 'contact', 'nothing'], 'same'),
  disabled: choice(['include', 'leave']).optional().describe('Disabled accounts (default leave).'),
  targetMailboxes: yesNo
    .optional()
    .describe('Whether people get a mailbox on the target (default true); provision names those without one.'),
  routing: bothSides(domain).describe('Domain that mail reaches each organization by, and no other one.'),
  sharedDomains: list(domain).optional().describe('Domains that both sides accept mail for and relay to each other.'),
  addresses: bothSides(list(z.string().min(1))).describe(
    'Templates of further addresses of the objects on each side, such as {mailNickname}@target.example.',
  ),
  addressBook: bothSides(list(dn)).describe('Address lists that objects of ours are shown in.'),
  attributes: z.record(attributeName, attributeRule).optional().describe('What happens to single attributes.'),
  conflict: choice(['active', 'source', 'target'])
    .optional()
    .describe('Who wins where both sides changed the same attribute (default active: where the person works).'),
  nameTaken: choice(['number', 'wait'])
    .optional()
    .describe('A name that is taken: number (default) appends the organization, then numbers; wait leaves it to you.'),
  collision: choice(['first', 'suffix'])
    .optional()
    .describe(
      'Two organizations come into one, and somebody of the second matches an object that stands for somebody of the first: first (default) leaves it there and lets the other one wait, suffix makes an object of its own, named by nameTaken. A csv rule of match decides before either.',
    ),
  hybrid: yesNo
    .optional()
    .describe('Accounts of both sides are synced to one tenant: they are joined by anchor, and none is made.'),
  mark: z
    .union([attributeName, z.literal(false)], { error: 'this must be the name of an attribute, or false' })
    .optional()
    .describe('Attribute that holds the mark on objects of ours (default adminDescription); false: no mark.'),
  outOfScope: choice(['keep', 'remove'])
    .optional()
    .describe('What becomes of an object of ours whose original left the scope (default keep).'),
  maxDelete,
  everyMinutes: count('a number of minutes', 1, 10_080)
    .optional()
    .describe('Longest time between two passes under run (default 15).'),
});

/** Of a collection's pairs. */
export const collectionDirectory = strict({
  sync: z
    .string({ error: 'this must be the name of a directory sync' })
    .describe('The sync whose links the pairs come from.'),
  under: list(dn).optional().describe('Only people below these on the source.'),
  memberOf: list(dn).optional().describe('Only members of these groups of the source.'),
  attributes: z
    .record(attributeName, z.string())
    .optional()
    .describe('Only people whose attributes have these values on the source, case ignored.'),
  kinds: list(choice(['person', 'shared', 'resource']))
    .optional()
    .describe('Default all of them.'),
  collision: choice(['refuse', 'first'])
    .optional()
    .describe(
      'A mailbox that two collections claim: refuse (default) leaves it out of both and says so, first gives it to the one that stands first in this file.',
    ),
});
