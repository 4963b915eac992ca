import { readFileSync } from 'node:fs';
import { type LdapDirectoryOptions, ldapDirectory } from '#connectors/directory/ldap/ldap-directory.ts';
import { must } from '#kit/assert.ts';
import { createLab } from '#lab/lab.ts';
import type { DistinguishedName } from '#model/directory/directory-object.ts';
import { directorySuite } from './directory-suite.ts';

/** @param otherDomains further domains of its forest; tested is what lies in the last one. */
const onLab = (name: string, otherDomains: readonly string[]) =>
  directorySuite({
    name,
    async open() {
      const lab = createLab({
        organizations: [{ name: 'source', version: '2016', mailboxes: 5, directory: { otherDomains } }],
      });
      const { orgs } = await lab.listen();
      const org = must(orgs[0], 'one organization');
      const { domains, user, password, restricted } = must(org.directory, 'it has a directory');
      const { base } = must(domains.at(-1), 'a domain');
      const { hosts } = must(lab.organization('source').world.forest.domains.at(-1), 'a domain');
      const open = (set: Partial<LdapDirectoryOptions> = {}) =>
        ldapDirectory({
          urls: domains.map(({ urls }) => must(urls[0], 'a controller')),
          startTls: false,
          tls: { ca: [readFileSync(org.ca, 'utf8')], min: '1.2' },
          user,
          password,
          ...set,
        });
      return {
        into: `OU=Other forest,${base}` as DistinguishedName,
        closed: `OU=Contacts,${base}` as DistinguishedName,
        domains: domains.length,
        controller: hosts[0],
        valuesAtOnce: 1500,
        open: () => open(),
        restricted: () => open({ user: restricted.user, password: restricted.password }),
        wrongPassword: (wrong) => open({ password: wrong }),
        unreachable: () => open({ urls: ['ldaps://127.0.0.1:9'] }),
        close: () => lab.close(),
      };
    },
    deviations: [],
  });

onLab('LDAP directory of the lab', []);
onLab('LDAP directory of the lab, a forest of several domains', ['other.test', 'child.source.test']);
