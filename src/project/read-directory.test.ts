import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { describeProblem, ProjectError } from './problem.ts';
import { readProject } from './read-project.ts';

const directory = mkdtempSync(join(tmpdir(), 'causeway-directory-project-'));
afterAll(() => rmSync(directory, { recursive: true }));

const base = `version: 1
organizations:
  old:
    kind: exchange
    endpoint: https://mail.old.example/EWS/Exchange.asmx
    signIn: { method: ntlm, user: 'OLD\\svc', password: env:OLD_PASSWORD }
    directory: { url: ldaps://dc1.old.example, user: 'OLD\\svc', password: env:OLD_LDAP, domains: [old.example] }
  new:
    kind: exchange
    endpoint: https://mail.new.example/EWS/Exchange.asmx
    signIn: { method: ntlm, user: 'NEW\\svc', password: env:NEW_PASSWORD }
    directory: { url: [ldaps://dc1.new.example, ldap://dc2.new.example:1389], startTls: true, user: env:NEW_USER, password: file:new.secret, domains: [New.example, mail.new.example] }
directory:
  main:
    source: old
    target: new
collections:
  all:
    source: old
    target: new
    pairs: { directory: { sync: main, under: ['OU=Staff,DC=old,DC=example'], attributes: { department: Sales } } }
`;
const read = (text: string) => readProject(text, { file: join(directory, 'causeway.yaml'), shown: 'causeway.yaml' });
const changed = (from: string, to: string): string => {
  expect(base).toContain(from);
  return base.replace(from, () => to);
};
function problemsOf(text: string): readonly string[] {
  try {
    read(text);
    return [];
  } catch (error) {
    if (!(error instanceof ProjectError)) throw error;
    return error.problems.map(describeProblem);
  }
}
const sync = '    source: old\n    target: new\ncollections';
const withSync = (keys: string) => changed(sync, sync.replace('collections', `${keys}collections`));

describe('directories in the project file', () => {
  test('the smallest block gets every default, and secrets stay references', () => {
    const project = read(base);
    expect(project.organizations.get('old')?.directory).toMatchObject({
      kind: 'ad',
      urls: ['ldaps://dc1.old.example'],
      startTls: false,
      user: 'OLD\\svc',
      domains: ['old.example'],
    });
    const access = project.organizations.get('new')?.directory;
    expect(access).toMatchObject({ startTls: true, domains: ['new.example', 'mail.new.example'] });
    expect(JSON.stringify(access)).toContain('[secret env:NEW_USER]');
    const main = project.directories.get('main');
    expect(main).toMatchObject({
      source: 'old',
      target: 'new',
      scope: { left: { under: [], filter: null, memberOf: [] } },
      everyMs: 900_000,
      policy: {
        sync: 'main',
        direction: 'both',
        into: { left: null, right: null },
        people: 'mail-user',
        mark: 'adminDescription',
        maxDelete: { share: 0.2, atLeast: 10 },
        domains: { left: ['old.example'], right: ['new.example', 'mail.new.example'] },
        foreignDomains: [],
      },
    });
    expect(project.pairs).toEqual([]);
    expect(project.collections.get('all')?.directoryPairs).toEqual({
      collection: 'all',
      sync: 'main',
      under: ['OU=Staff,DC=old,DC=example'],
      memberOf: [],
      attributes: { department: 'Sales' },
      kinds: ['person', 'shared', 'resource'],
      collision: 'refuse',
      file: join(directory, '.causeway/pairs/all.csv'),
    });
  });

  test('every key there is', () => {
    writeFileSync(
      join(directory, 'people.csv'),
      'source,target\nann,\nben@old.example,ben2@new.example\n'.replace('ann,\n', ''),
    );
    writeFileSync(join(directory, 'offices.csv'), 'key;value;note\nV1;Vienna;x\nV1;Wien;y\n');
    const policy = read(
      withSync(`    direction: both
    scope:
      source: { under: ['OU=Staff,DC=old,DC=example'], filter: '(&(mail=*)(!(department=Temp)))', memberOf: ['CN=All,DC=old,DC=example'] }
    into: { source: 'OU=From new,DC=old,DC=example', target: 'OU=From old,DC=new,DC=example' }
    tree: mirror
    match: [{ csv: people.csv }, sidHistory, { attribute: employeeNumber }, { attribute: { source: extensionAttribute1, target: employeeID } }]
    people: contact
    shared: nothing
    resources: contact
    contacts: nothing
    groups: distribution
    disabled: include
    targetMailboxes: false
    routing: { source: R.old.example, target: r.new.example }
    sharedDomains: [Both.example]
    addresses: { target: ['{mailNickname}@mail.new.example'] }
    addressBook: { target: ['CN=All Users,DC=new,DC=example'] }
    attributes:
      telephoneNumber: home
      department: { on: target, map: { from: department, values: { Vertrieb: Sales }, otherwise: drop } }
      company: { on: target, constant: New Ltd }
      info: { on: source, template: '{givenName} of {company}' }
      physicalDeliveryOfficeName: { on: target, csv: { file: offices.csv, key: extensionAttribute2 } }
    conflict: source
    nameTaken: wait
    collision: suffix
    hybrid: true
    mark: extensionAttribute15
    outOfScope: remove
    maxDelete: { share: 1%, atLeast: 2 }
    everyMinutes: 5
`),
    ).directories.get('main');
    expect(policy?.policy.match).toEqual([
      { by: 'csv', pairs: [{ left: 'ben@old.example', right: 'ben2@new.example' }] },
      { by: 'sidHistory' },
      { by: 'attribute', left: 'employeeNumber', right: 'employeeNumber' },
      { by: 'attribute', left: 'extensionAttribute1', right: 'employeeID' },
    ]);
    expect(policy?.policy).toMatchObject({
      tree: 'mirror',
      collision: 'suffix',
      roots: { left: ['OU=Staff,DC=old,DC=example'], right: [] },
      routing: { left: 'r.old.example', right: 'r.new.example' },
      sharedDomains: ['both.example'],
      addresses: { left: [], right: ['{mailNickname}@mail.new.example'] },
      attributes: {
        telephoneNumber: { flow: 'home' },
        department: {
          flow: 'set',
          on: 'right',
          value: { kind: 'map', from: 'department', to: { Vertrieb: 'Sales' }, otherwise: 'drop' },
        },
        company: { flow: 'set', on: 'right', value: { kind: 'constant', values: ['New Ltd'] } },
        info: { flow: 'set', on: 'left', value: { kind: 'template', template: '{givenName} of {company}' } },
        physicalDeliveryOfficeName: {
          flow: 'set',
          on: 'right',
          value: { kind: 'csv', key: 'extensionAttribute2', rows: { V1: ['Vienna', 'Wien'] } },
        },
      },
      mark: 'extensionAttribute15',
      maxDelete: { share: 0.01, atLeast: 2 },
    });
    expect(policy?.everyMs).toBe(300_000);
    expect(read(withSync('    mark: false\n')).directories.get('main')?.policy.mark).toBeNull();
  });

  test('pairs that were made from links are read once they are there', () => {
    mkdirSync(join(directory, '.causeway/pairs'), { recursive: true });
    writeFileSync(
      join(directory, '.causeway/pairs/all.csv'),
      'source,target,active\nann@old.example,ann@new.example,target\n',
    );
    try {
      expect(read(base).pairs).toMatchObject([
        { source: 'ann@old.example', target: 'ann@new.example', active: 'right' },
      ]);
    } finally {
      rmSync(join(directory, '.causeway'), { recursive: true });
    }
  });

  const wrong: readonly (readonly [string, () => string, readonly string[]])[] = [
    [
      'plain LDAP',
      () => changed('url: ldaps://dc1.old.example', 'url: ldap://dc1.old.example'),
      ['causeway.yaml:7:23: ldap:// is not encrypted: write ldaps://, or startTls: true beside it'],
    ],
    [
      'an inline password',
      () => changed('password: env:OLD_LDAP', 'password: hunter2'),
      [
        'causeway.yaml:7:75: a secret never stands in this file; keep it in an environment variable and write env:NAME, or in a file of yours and write file:PATH',
      ],
    ],
    [
      'an organization without a directory',
      () => base.replace(/ {4}directory: \{ url: ldaps.*\n/, ''),
      ['causeway.yaml:14:13: old has no directory block: write its url, user, password and domains there'],
    ],
    [
      'an organization that is not there',
      () => changed('  main:\n    source: old', '  main:\n    source: odl'),
      [
        'causeway.yaml:15:13: no organization is called odl; did you mean old?',
        'causeway.yaml:21:33: main is between odl and new, this collection between old and new',
      ],
    ],
    [
      'a sync that is not there',
      () => changed('sync: main', 'sync: mian'),
      ['causeway.yaml:21:33: no directory sync is called mian; did you mean main?'],
    ],
    [
      'a container that is no name',
      () => withSync('    into: { target: People }\n'),
      ['causeway.yaml:17:21: this must be a distinguished name such as OU=Staff,DC=old,DC=example'],
    ],
    [
      'a filter whose brackets do not fit',
      () => withSync('    scope: { source: { filter: "(mail=*)(objectClass=*)" } }\n'),
      ['causeway.yaml:17:32: this must be an LDAP filter such as (department=Sales)'],
    ],
    [
      'a match that is none',
      () => withSync('    match: [male]\n'),
      [
        'causeway.yaml:17:13: this must be one of mail, proxyAddresses, sAMAccountName, userPrincipalName, employeeID, sidHistory, legacyExchangeDN, { attribute: NAME }, { attribute: { source: NAME, target: NAME } } or { csv: FILE }',
      ],
    ],
    [
      'a CSV file that is not there',
      () => withSync('    match: [{ csv: none.csv }]\n'),
      ['causeway.yaml:17:13: none.csv there is no such file; make it, with a header line'],
    ],
    [
      'something made on the source one way',
      () => withSync("    direction: one-way\n    into: { source: 'OU=X,DC=old,DC=example' }\n"),
      ['causeway.yaml:18:21: one-way writes to the target only, so nothing is made on the source'],
    ],
    [
      'a domain that both accept mail for',
      () => changed('domains: [old.example]', 'domains: [old.example, new.example]'),
      [
        'causeway.yaml:14:3: both organizations accept mail for new.example: name it under sharedDomains, or under one of them only',
      ],
    ],
    [
      'an unknown key',
      () => withSync('    trea: flat\n'),
      ['causeway.yaml:17:5: unknown key trea; did you mean tree?'],
    ],
  ];
  test.each(wrong)('%s', (_, text, expected) => {
    expect(problemsOf(text())).toEqual(expected);
  });
});
