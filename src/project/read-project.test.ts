import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { describeProblem, ProjectError } from './problem.ts';
import { tracksOf, typedPolicyOf } from './project.ts';
import { loadProject, parseStoreAddress, readProject } from './read-project.ts';

const directory = mkdtempSync(join(tmpdir(), 'causeway-project-'));
afterAll(() => rmSync(directory, { recursive: true }));

const base = `version: 1
organizations:
  old:
    kind: exchange
    endpoint: https://mail.old.example/EWS/Exchange.asmx
    signIn: { method: ntlm, user: 'OLD\\svc', password: env:OLD_PASSWORD }
  new:
    kind: exchange
    autodiscover: new.example
    signIn: { method: basic, user: svc@new.example, password: file:new.secret }
collections:
  all:
    source: old
    target: new
    pairs:
      list:
        - ana@old.example -> ana@new.example
`;

const read = (text: string) => readProject(text, { file: join(directory, 'causeway.yaml'), shown: 'causeway.yaml' });

function problemsOf(text: string): readonly string[] {
  try {
    read(text);
    return [];
  } catch (error) {
    if (!(error instanceof ProjectError)) throw error;
    return error.problems.map(describeProblem);
  }
}

/** The base with one line replaced: `[text of the line, what stands there instead]`. */
function changed(line: string, replacement: string): string {
  expect(base).toContain(line);
  return base.replace(line, () => replacement);
}

const organization = '    kind: exchange\n    endpoint: https://mail.old.example/EWS/Exchange.asmx\n';
const ntlm = `    signIn: { method: ntlm, user: 'OLD\\svc', password: env:OLD_PASSWORD }\n`;
const sides = '    source: old\n    target: new\n';
const list = '      list:\n        - ana@old.example -> ana@new.example\n';
const after = (text: string): string => base + text;

describe('what is right', () => {
  test('the smallest project gets every default', () => {
    const project = read(base);
    expect(project.pairs).toEqual([
      {
        id: 'ana@old.example → ana@new.example',
        collection: 'all',
        source: 'ana@old.example',
        target: 'ana@new.example',
        active: 'left',
      },
    ]);
    expect(project.store).toEqual({ engine: 'sqlite', file: join(directory, '.causeway/causeway.db') });
    expect(project.organizations.get('old')).toMatchObject({
      impersonation: true,
      tls: { caFiles: [], min: '1.2' },
      redirectHosts: [],
      notifications: null,
      budget: { inFlight: null, requestsPerMinute: null, bytesPerMinute: null },
    });
    expect(project.collections.get('all')).toMatchObject({
      content: ['mail'],
      mail: { conflict: 'target', include: [], since: null, maxDelete: { share: 0.2, atLeast: 10 } },
      schedule: { zone: 'UTC', windows: [], everyMs: 3_600_000 },
      lagObjectiveMs: 60_000,
    });
    expect(project.collections.get('all')?.typed.size).toBe(0);
  });

  test('calendars, contacts, tasks and notes, and where people work', () => {
    const project = read(
      base.replace(
        list,
        () =>
          '      list:\n        - ana@old.example -> ana@new.example\n        - { pair: ben@old.example -> ben@new.example, active: source }\n',
      ) +
        `    content: []
    active: target
    lagObjective: 2 min
    calendar: { maxDelete: { share: 5%, atLeast: 3 }, folders: { exclude: [Old] } }
    contacts: {}
    notes: { direction: both, conflict: newest }
`,
    );
    const maxDelete = { share: 0.2, atLeast: 10 };
    const rest = { conflict: 'active', include: [], exclude: [], maxDelete };
    expect([...(project.collections.get('all')?.typed ?? [])]).toEqual([
      ['calendar', { ...rest, direction: 'both', exclude: ['Old'], maxDelete: { share: 0.05, atLeast: 3 } }],
      ['contacts', { ...rest, direction: 'one-way' }],
      ['notes', { ...rest, direction: 'both', conflict: 'newest' }],
    ]);
    expect(project.pairs.map(({ active }) => active)).toEqual(['right', 'left']);
    expect(project.collections.get('all')?.lagObjectiveMs).toBe(120_000);
    const [ana] = project.pairs;
    if (!ana) throw new Error('no pair');
    expect(typedPolicyOf(project, ana, 'contacts')).toMatchObject({ direction: 'one-way', active: 'right' });
    expect(typedPolicyOf(project, ana, 'tasks')).toBeNull();
    expect(tracksOf(project, [ana]).map(({ kind }) => kind)).toEqual(['calendar', 'contacts', 'notes']);
  });

  test('every key there is', () => {
    writeFileSync(join(directory, 'people.csv'), '\uFEFFTarget;Source\nben@new.example;Ben@Old.example\n');
    const project = read(`version: 1
store: postgres://causeway@db.example/causeway
budgets: { inFlight: 40, bytesPerMinute: 1.5 GB }
organizations:
  old:
    kind: exchange
    endpoint: https://mail.old.example/EWS/Exchange.asmx
    autodiscover: https://autodiscover.old.example/autodiscover/autodiscover.xml
    version: 2010
    signIn: { method: basic, user: env:OLD_USER, password: env:OLD_PASSWORD }
    impersonation: false
    tls: { ca: [ca.pem, other.pem], min: 1.0 }
    redirectHosts: ['*.old.example']
    budgets: { inFlight: 10, perMailbox: { requestsPerMinute: 60 } }
  new:
    kind: exchange
    signIn:
      method: oauth
      tenant: new.example
      clientId: 5c1d9a4e-0000-4000-8000-000000000000
      certificate: { key: 'file:key.pem', chain: cert.pem }
      authority: https://login.example
      scope: https://outlook.example/.default
collections:
  all:
    source: old
    target: new
    content: [mail]
    pairs:
      file: people.csv
      list: [ana@old.example, "cy@old.example → cyrus@new.example"]
      rule: '*@old.example -> *@new.example'
    folders:
      include: ['@inbox', 'Projects/**']
      exclude: ['**/Old']
      map: { Ablage: Archive/Ablage }
    since: 2020-01-01
    until: 2024-02-29
    itemMax: 50 MB
    policy: { conflict: source, maxDelete: { share: 5%, atLeast: 3 } }
    schedule: { zone: Europe/Vienna, windows: ['mon-fri 20:00-06:00', 'sat,sun 00:00-24:00'], everyMinutes: 15 }
`);
    expect(project.pairs.map(({ id }) => id)).toEqual([
      'ana@old.example → ana@new.example',
      'cy@old.example → cyrus@new.example',
      'ben@old.example → ben@new.example',
    ]);
    expect(project.organizations.get('old')).toMatchObject({
      version: '2010',
      impersonation: false,
      tls: { caFiles: [join(directory, 'ca.pem'), join(directory, 'other.pem')], min: '1.0' },
      budget: { inFlight: 10, requestsPerMinute: null },
      budgetPerMailbox: { requestsPerMinute: 60 },
    });
    expect(project.collections.get('all')?.mail).toEqual({
      conflict: 'source',
      include: ['@inbox', 'Projects/**'],
      exclude: ['**/Old'],
      map: [{ from: 'Ablage', to: 'Archive/Ablage' }],
      since: Date.UTC(2020, 0, 1),
      until: Date.UTC(2024, 1, 29),
      itemMaxBytes: 50 * 1024 * 1024,
      maxDelete: { share: 0.05, atLeast: 3 },
    });
    expect(project.budget).toEqual({ inFlight: 40, requestsPerMinute: null, bytesPerMinute: 1.5 * 1024 ** 3 });
    expect(project.store).toEqual({ engine: 'postgres', url: 'postgres://causeway@db.example/causeway' });
  });
});

/** `[what, text of the file, each problem as line:column: message]`. */
const wrong: readonly (readonly [string, string, readonly string[]])[] = [
  ['an empty file', '', ['causeway.yaml: is empty; run `causeway init` in an empty folder for an example']],
  ['a list instead of a block', '- a\n', ['causeway.yaml:1:1: this must be a block of keys and values']],
  ['no version', changed('version: 1\n', ''), ['causeway.yaml:1:1: version is missing; this must be 1']],
  ['another version', changed('version: 1', 'version: 2'), ['causeway.yaml:1:10: this must be 1']],
  [
    'a misspelt key on top',
    after('colections: {}\n'),
    ['causeway.yaml:18:1: unknown key colections; did you mean collections?'],
  ],
  [
    'a key that is like no other',
    after('zebra: 1\n'),
    [
      'causeway.yaml:18:1: unknown key zebra; known here: version, organizations, collections, directory, store, budgets',
    ],
  ],
  [
    'two unknown keys at once',
    after('stoer: a\nbudget: {}\n'),
    [
      'causeway.yaml:18:1: unknown key stoer; did you mean store?',
      'causeway.yaml:19:1: unknown key budget; did you mean budgets?',
    ],
  ],
  [
    'a misspelt key of an organization',
    changed('    endpoint:', '    endpiont:'),
    ['causeway.yaml:5:5: unknown key endpiont; did you mean endpoint?'],
  ],
  [
    'a key with other punctuation',
    changed('    signIn: { method: ntlm', '    sign-in: { method: ntlm'),
    [
      'causeway.yaml:3:3: signIn is missing; method must be one of basic, ntlm, forms, oauth',
      'causeway.yaml:6:5: unknown key sign-in; did you mean signIn?',
    ],
  ],
  [
    'a misspelt key of a collection',
    changed('    target: new', '    traget: new'),
    [
      'causeway.yaml:12:3: target is missing; this must be the name of an organization',
      'causeway.yaml:14:5: unknown key traget; did you mean target?',
    ],
  ],
  [
    'another kind',
    changed(organization, organization.replace('kind: exchange', 'kind: exchang')),
    ['causeway.yaml:4:11: this must be exchange; did you mean exchange?'],
  ],
  [
    'no kind',
    changed(organization, organization.replace('    kind: exchange\n', '')),
    ['causeway.yaml:3:3: kind is missing; this must be exchange'],
  ],
  [
    'an endpoint without TLS',
    changed('https://mail.old', 'http://mail.old'),
    ['causeway.yaml:5:15: this must be an https:// address without user or password (http:// only on this machine)'],
  ],
  [
    'an endpoint that is no address',
    changed('https://mail.old.example/EWS/Exchange.asmx', 'mail.old.example'),
    ['causeway.yaml:5:15: this must be an https:// address without user or password (http:// only on this machine)'],
  ],
  [
    'a password in an endpoint',
    changed('https://mail.old', 'https://me:hunter2@mail.old'),
    ['causeway.yaml:5:15: this must be an https:// address without user or password (http:// only on this machine)'],
  ],
  [
    'an endpoint that is a number',
    changed('endpoint: https://mail.old.example/EWS/Exchange.asmx', 'endpoint: 5'),
    ['causeway.yaml:5:15: this must be an https:// address without user or password (http:// only on this machine)'],
  ],
  [
    'an Autodiscover domain with a space',
    changed('autodiscover: new.example', 'autodiscover: new example'),
    ['causeway.yaml:9:19: this must be a domain such as contoso.com, or an https:// address'],
  ],
  [
    'an unknown version of Exchange',
    changed(organization, `${organization}    version: 2011\n`),
    [
      'causeway.yaml:6:14: this must be one of 2000, 2003, 2007, 2010, 2013, 2016, 2019, se, online; did you mean 2010?',
    ],
  ],
  [
    'WebDAV without an address',
    changed('    endpoint: https://mail.old.example/EWS/Exchange.asmx\n', '    version: 2003\n'),
    ['causeway.yaml:5:14: WebDAV cannot be found out: write endpoint: https://HOST/exchange/'],
  ],
  [
    'a password for Graph',
    changed(organization, `${organization}    version: online\n`),
    ['causeway.yaml:7:5: Graph takes oauth only'],
  ],
  ['forms for EWS', changed('method: ntlm', 'method: forms'), ['causeway.yaml:6:5: forms is for webdav only']],
  [
    'a misspelt method',
    changed('method: ntlm', 'method: nltm'),
    ['causeway.yaml:6:23: method must be one of basic, ntlm, forms, oauth; did you mean ntlm?'],
  ],
  [
    'no method',
    changed('method: ntlm, ', ''),
    ['causeway.yaml:6:5: method is missing; method must be one of basic, ntlm, forms, oauth'],
  ],
  [
    'sign-in as a text',
    changed(ntlm, '    signIn: ntlm\n'),
    ['causeway.yaml:6:13: method must be one of basic, ntlm, forms, oauth'],
  ],
  [
    'an inline password',
    changed('env:OLD_PASSWORD', 'hunter2'),
    [
      'causeway.yaml:6:56: a secret never stands in this file; keep it in an environment variable and write env:NAME, or in a file of yours and write file:PATH',
    ],
  ],
  [
    'an inline password of digits',
    changed('env:OLD_PASSWORD', '123456'),
    ['causeway.yaml:6:56: a secret is given by reference: env:NAME or file:PATH'],
  ],
  [
    'a variable that cannot be one',
    changed('env:OLD_PASSWORD', '"env:OLD PASSWORD"'),
    [
      'causeway.yaml:6:56: a secret never stands in this file; keep it in an environment variable and write env:NAME, or in a file of yours and write file:PATH',
    ],
  ],
  [
    'no password',
    changed(', password: env:OLD_PASSWORD', ''),
    ['causeway.yaml:6:5: password is missing; a secret is given by reference: env:NAME or file:PATH'],
  ],
  [
    'an empty user',
    changed(`user: 'OLD\\svc'`, `user: ''`),
    ['causeway.yaml:6:35: this must be a sign-in name such as DOMAIN\\user or user@domain, or env:NAME'],
  ],
  [
    'a secret of OAuth in a Basic sign-in',
    changed('method: basic,', 'method: basic, clientSecret: env:A,'),
    ['causeway.yaml:10:30: unknown key clientSecret; known here: method, user, password'],
  ],
  [
    'OAuth with neither secret nor certificate',
    changed(ntlm, '    signIn: { method: oauth, tenant: t, clientId: c }\n'),
    ['causeway.yaml:6:5: oauth needs clientSecret or certificate, and not both'],
  ],
  [
    'OAuth with both',
    changed(
      ntlm,
      '    signIn: { method: oauth, tenant: t, clientId: c, clientSecret: env:A, certificate: { key: env:B, chain: c.pem } }\n',
    ),
    ['causeway.yaml:6:5: oauth needs clientSecret or certificate, and not both'],
  ],
  [
    'a private key inline',
    changed(
      ntlm,
      '    signIn: { method: oauth, tenant: t, clientId: c, certificate: { key: MIIEvQ, chain: c.pem } }\n',
    ),
    [
      'causeway.yaml:6:74: a secret never stands in this file; keep it in an environment variable and write env:NAME, or in a file of yours and write file:PATH',
    ],
  ],
  [
    'a certificate without a key',
    changed(ntlm, '    signIn: { method: oauth, tenant: t, clientId: c, certificate: { chain: c.pem } }\n'),
    ['causeway.yaml:6:54: key is missing; a secret is given by reference: env:NAME or file:PATH'],
  ],
  [
    'impersonation as a word',
    changed(ntlm, `${ntlm}    impersonation: "yes"\n`),
    ['causeway.yaml:7:20: this must be true or false'],
  ],
  [
    'verification switched off',
    changed(ntlm, `${ntlm}    tls: { verify: false }\n`),
    ['causeway.yaml:7:12: unknown key verify; known here: ca, min'],
  ],
  [
    'a TLS version that is none',
    changed(ntlm, `${ntlm}    tls: { min: 1.4 }\n`),
    ['causeway.yaml:7:17: this must be one of 1.0, 1.1, 1.2, 1.3; did you mean 1.0?'],
  ],
  [
    'a certification authority that is a number',
    changed(ntlm, `${ntlm}    tls: { ca: 7 }\n`),
    ['causeway.yaml:7:16: this must be the path of a PEM file, or a list of them'],
  ],
  [
    'a redirect host with a path',
    changed(ntlm, `${ntlm}    redirectHosts:\n      - ok.example\n      - host/path\n`),
    ['causeway.yaml:9:9: this must be a host name, or *.domain'],
  ],
  [
    'redirect hosts as a text',
    changed(ntlm, `${ntlm}    redirectHosts: host.example\n`),
    ['causeway.yaml:7:20: this must be a list, each entry on a line that begins with a dash'],
  ],
  [
    'a budget of nothing',
    changed(ntlm, `${ntlm}    budgets: { inFlight: 0 }\n`),
    ['causeway.yaml:7:26: this must be a number of requests, at least 1'],
  ],
  [
    'a budget beyond belief',
    changed(ntlm, `${ntlm}    budgets: { inFlight: 5000 }\n`),
    ['causeway.yaml:7:26: this must be a number of requests, at most 1000'],
  ],
  [
    'half a request',
    changed(ntlm, `${ntlm}    budgets: { requestsPerMinute: 1.5 }\n`),
    ['causeway.yaml:7:35: this must be a number of requests, a whole number'],
  ],
  [
    'bytes without a number',
    changed(ntlm, `${ntlm}    budgets: { bytesPerMinute: much }\n`),
    ['causeway.yaml:7:32: this must be a size such as 200 MB'],
  ],
  [
    'a misspelt budget',
    changed(ntlm, `${ntlm}    budgets: { perMailbx: {} }\n`),
    ['causeway.yaml:7:16: unknown key perMailbx; did you mean perMailbox?'],
  ],
  [
    'a name with a space',
    changed('  new:\n', '  new org:\n'),
    [
      'causeway.yaml:7:3: organizations: each name must be a name of 1 to 64 letters, digits, dots, dashes and underscores',
    ],
  ],
  [
    'an organization that is not there',
    changed('source: old', 'source: odl'),
    ['causeway.yaml:13:13: no organization is called odl; did you mean old?'],
  ],
  [
    'an organization that is like no other',
    changed('target: new', 'target: contoso'),
    ['causeway.yaml:14:13: no organization is called contoso; there are old, new'],
  ],
  [
    'the same organization twice',
    changed('target: new', 'target: old'),
    ['causeway.yaml:14:13: source and target are the same organization'],
  ],
  [
    'content of a later version',
    changed(sides, `${sides}    content: [mail, calendar]\n`),
    ['causeway.yaml:15:21: this must be mail'],
  ],
  ['no content', changed(sides, `${sides}    content: []\n`), ['causeway.yaml:15:14: name at least one content']],
  [
    'no pairs',
    changed(`    pairs:\n${list}`, ''),
    ['causeway.yaml:12:3: pairs is missing; this must be a block of keys and values'],
  ],
  [
    'pairs without mailboxes',
    changed(list, `      rule: '*@old.example -> *@new.example'\n`),
    [
      'causeway.yaml:15:5: name the mailboxes: file: a CSV file, list: addresses, or directory: people of a directory sync',
    ],
  ],
  [
    'pairs as a list',
    changed(list, '      - ana@old.example -> ana@new.example\n'),
    ['causeway.yaml:16:7: this must be a block of keys and values'],
  ],
  [
    'a source without a target',
    changed('ana@old.example -> ana@new.example', 'ana@old.example'),
    ['causeway.yaml:17:11: no target for ana@old.example; write "ana@old.example -> TARGET", or give a rule'],
  ],
  [
    'a pair that is no address',
    changed('ana@old.example -> ana@new.example', 'ana -> ana@new.example'),
    ['causeway.yaml:17:11: "ana" is no e-mail address'],
  ],
  [
    'a target that is no address',
    changed('-> ana@new.example', '-> "ana@"'),
    ['causeway.yaml:17:11: "\\"ana@\\"" is no e-mail address'],
  ],
  [
    'two arrows',
    changed('-> ana@new.example', '-> ana@new.example -> x@y.example'),
    ['causeway.yaml:17:11: one pair on a line: "source -> target"'],
  ],
  [
    'a pair twice',
    after('        - ANA@old.example -> other@new.example\n'),
    [
      'causeway.yaml:18:11: ana@old.example is in another pair already (causeway.yaml:17); a mailbox is in at most one pair',
    ],
  ],
  [
    'a target twice',
    after('        - ben@old.example -> ana@new.example\n'),
    [
      'causeway.yaml:18:11: ana@new.example is in another pair already (causeway.yaml:17); a mailbox is in at most one pair',
    ],
  ],
  [
    'a rule without a star',
    changed(list, `${list}      rule: a@old.example -> *@new.example\n`),
    ['causeway.yaml:18:13: an address rule has one * on each side: "*@old.example -> *@new.example"'],
  ],
  [
    'a rule without an address',
    changed(list, `${list}      rule: '* -> *@new.example'\n`),
    ['causeway.yaml:18:13: both sides of an address rule are addresses: "*@old.example -> *@new.example"'],
  ],
  [
    'a rule that does not fit',
    changed(list, `      list: [ana@else.example]\n      rule: '*@old.example -> *@new.example'\n`),
    ['causeway.yaml:16:14: the rule does not fit ana@else.example; write its target beside it'],
  ],
  [
    'a CSV file that is not there',
    changed(list, '      file: nobody.csv\n'),
    ['causeway.yaml:16:13: there is no such file; make it, with a header line "source,target"'],
  ],
  [
    'a well-known folder that is none',
    after(`    folders: { exclude: ['@junkmail'] }\n`),
    ['causeway.yaml:18:26: @junkmail is no well-known folder; did you mean junkemail?'],
  ],
  [
    'a folder pattern with a slash in front',
    after(`    folders: { include: ['/Projects'] }\n`),
    ['causeway.yaml:18:26: this must be a folder pattern such as Projects/** or @junkemail, without / at its ends'],
  ],
  [
    'a folder mapping with a star',
    after(`    folders: { map: { Old: 'New/*' } }\n`),
    ['causeway.yaml:18:28: this must be a folder path such as Projects/Old, without / at its ends and without *'],
  ],
  [
    'a misspelt folder rule',
    after('    folders: { excludes: [] }\n'),
    ['causeway.yaml:18:16: unknown key excludes; did you mean exclude?'],
  ],
  [
    'a day that does not exist',
    after('    since: 2023-02-29\n'),
    ['causeway.yaml:18:12: this must be a day such as 2019-12-31'],
  ],
  [
    'a day of another country',
    after('    until: 31.12.2020\n'),
    ['causeway.yaml:18:12: this must be a day such as 2019-12-31'],
  ],
  [
    'a size without a unit that we know',
    after('    itemMax: 50 megs\n'),
    ['causeway.yaml:18:14: this must be a size such as 50 MB'],
  ],
  [
    'a misspelt winner',
    after('    policy: { conflict: traget }\n'),
    ['causeway.yaml:18:25: this must be one of source, target; did you mean target?'],
  ],
  [
    'a share above all',
    after('    policy: { maxDelete: { share: 120% } }\n'),
    ['causeway.yaml:18:35: this must be a percentage such as 20%'],
  ],
  [
    'a share without its sign',
    after('    policy: { maxDelete: { share: 20 } }\n'),
    ['causeway.yaml:18:35: this must be a percentage such as 20%'],
  ],
  [
    'a negative number of deletions',
    after('    policy: { maxDelete: { atLeast: -1 } }\n'),
    ['causeway.yaml:18:37: this must be a number of items, at least 0'],
  ],
  [
    'a time zone that does not exist',
    after('    schedule: { zone: Europe/Wien }\n'),
    ['causeway.yaml:18:23: this must be a time zone such as Europe/Vienna'],
  ],
  [
    'a window without hours',
    after('    schedule: { windows: [weekend] }\n'),
    ['causeway.yaml:18:27: this must be a window such as "mon-fri 20:00-06:00"'],
  ],
  [
    'no window',
    after('    schedule: { windows: [] }\n'),
    ['causeway.yaml:18:26: name at least one window, or leave windows out'],
  ],
  [
    'a store of another kind',
    after('store: mysql://db.example/x\n'),
    ['causeway.yaml:18:8: this must be sqlite:PATH, postgres://…, or env:NAME or file:PATH of such an address'],
  ],
  [
    'a password in the store address',
    after('store: postgres://me:hunter2@db.example/x\n'),
    [
      'causeway.yaml:18:8: a password never stands in this file; write env:NAME or file:PATH of the whole address, or use PGPASSWORD or .pgpass',
    ],
  ],
  [
    'a password in the store’s query',
    after('store: postgres://me@db.example/x?password=hunter2\n'),
    [
      'causeway.yaml:18:8: a password never stands in this file; write env:NAME or file:PATH of the whole address, or use PGPASSWORD or .pgpass',
    ],
  ],
  ['a key twice', after('version: 1\n'), ['causeway.yaml:18:1: this key stands here twice']],
  [
    'a tab as indentation',
    after('budgets:\n\tinFlight: 1\n'),
    ['causeway.yaml:19:1: indent with spaces, not with tabs'],
  ],
  [
    'an alias',
    changed('env:OLD_PASSWORD', '*hunter2'),
    ['causeway.yaml:6:56: aliases are not used here; put a text that begins with * in quotes'],
  ],
  [
    'a tag',
    changed('env:OLD_PASSWORD', '!hunter2 x'),
    ['causeway.yaml:6:56: tags (!…) are not used here; put a text that begins with ! in quotes'],
  ],
  ['two documents', after('---\nversion: 1\n'), ['causeway.yaml:18:1: one document in a file; remove the line ---']],
  [
    'a name of digits',
    changed('  old:\n', '  2010:\n'),
    ['causeway.yaml:3:3: keys are plain words; put a name of digits only in quotes'],
  ],
  [
    'a quote that is not closed',
    changed('env:OLD_PASSWORD', '"hunter2'),
    [
      'causeway.yaml:18:1: something is missing here: a colon, a quote or a bracket that closes',
      'causeway.yaml:18:1: the indentation does not fit the lines above',
    ],
  ],
];

describe('what is wrong is refused with line and column', () => {
  test('there are at least 60 cases', () => expect(wrong.length).toBeGreaterThanOrEqual(60));

  test.each(wrong)('%s', (_what, text, problems) => {
    expect(problemsOf(text)).toEqual(problems);
  });

  test('a CSV file: its own lines are named', () => {
    writeFileSync(join(directory, 'bad.csv'), 'source,target\na@old.example,a@new.example\nb@old.example\n"c,d\n');
    expect(problemsOf(changed(list, '      file: bad.csv\n'))).toEqual([
      'bad.csv:3:1: no target for b@old.example; write "b@old.example -> TARGET", or give a rule',
      'bad.csv:4:1: this quoted field is never closed',
      'bad.csv:4:1: "c,d" is no e-mail address',
    ]);
  });

  test('files that cannot be read', () => {
    writeFileSync(join(directory, 'latin1.yaml'), Buffer.from('# Gr\xfc\xdfe\n', 'latin1'));
    expect(() => loadProject(join(directory, 'latin1.yaml'))).toThrow(/is not in UTF-8/);
    expect(() => loadProject(directory)).toThrow(/is no ordinary file/);
    expect(() => loadProject(join(directory, 'none.yaml'))).toThrow(/there is no such file; run `causeway init`/);
  });
});

describe('secrets do not get out', () => {
  const styles: readonly ((secret: string) => string)[] = [
    (secret) => JSON.stringify(secret),
    (secret) => `'${secret.replaceAll("'", "''")}'`,
    (secret) => secret,
    (secret) => `[${secret}]`,
    (secret) => `{ ${secret}: 1 }`,
    (secret) => `|\n      ${secret}`,
  ];
  const places: readonly ((secret: string) => string)[] = [
    (secret) => changed('env:OLD_PASSWORD }', `${secret}\n    }`),
    (secret) => changed(ntlm, `    signIn:\n      method: ntlm\n      user: a\n      password: ${secret}\n`),
    (secret) =>
      changed(
        ntlm,
        `    signIn:\n      method: oauth\n      tenant: t\n      clientId: c\n      clientSecret: ${secret}\n`,
      ),
    (secret) =>
      changed(
        ntlm,
        `    signIn:\n      method: oauth\n      tenant: t\n      clientId: c\n      certificate:\n        chain: c\n        key: ${secret}\n`,
      ),
    (secret) => after(`store: ${secret}\n`),
  ];
  const marker = 'S3cr3t';

  test('no message repeats what stands where a secret is expected', () => {
    const tail = fc.string({ maxLength: 12 });
    fc.assert(
      fc.property(
        fc.tuple(fc.constantFrom('', '*', '&', '!', '@', '%', '"', '- ', 'postgres://u:'), tail),
        fc.constantFrom(...styles),
        fc.constantFrom(...places),
        ([head, end], style, place) => {
          const text = place(style(`${head}${marker}${end.replaceAll(/[\n\r]/g, '')}`));
          const problems = problemsOf(text);
          // `- x` makes a list entry or key of it: then it is a key that is unknown, and a key's name is no secret.
          if (style === styles[4]) return;
          for (const problem of problems) expect(problem).not.toContain(marker);
        },
      ),
      { numRuns: 500 },
    );
  });

  test('nor a secret that its indentation makes a key', () => {
    const problems = problemsOf(changed(ntlm, `    signIn:\n      method: oauth\n      tenant: |\n      ${marker}:\n`));
    expect(problems).toContainEqual(expect.stringContaining('unknown key; known here: method, tenant'));
    expect(problems.join()).not.toContain(marker);
  });

  test('a project that is printed shows references only', () => {
    const project = read(base);
    const printed = JSON.stringify([...project.organizations.values()]);
    expect(printed).toContain('[secret env:OLD_PASSWORD]');
    expect(parseStoreAddress('postgres://u:hunter2@h/d', '/', 'from a secret')).toEqual({
      engine: 'postgres',
      url: 'postgres://u:hunter2@h/d',
    });
  });
});
