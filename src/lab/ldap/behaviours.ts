import type { StoreBehaviour } from '../behaviours.ts';

/** What the lab's directories do over LDAP, what transport makes of them, and how we know. */
export const directoryBehaviours: readonly StoreBehaviour[] = [
  // Protocol
  {
    id: 'ldap-bind-names',
    what: 'A simple bind takes a DN, a user principal name or DOMAIN\\name; wrong ones are 49 with data 52e, disabled accounts data 533',
    mark: 'documented',
    source: '[MS-ADTS] 5.1.1.1.1, 5.1.1.5',
  },
  {
    id: 'ldap-bind-needs-tls',
    what: 'Without TLS a bind is refused with 8, strongerAuthRequired',
    mark: 'documented',
    source: 'Domain controller: LDAP server signing requirements; 00002028 in reports',
  },
  {
    id: 'ldap-anonymous-reads-root-only',
    what: 'Who has not signed in reads the root DSE; all else is 1, operationsError, 000004DC',
    mark: 'documented',
    source: '[MS-ADTS] 5.1.3.3, dsHeuristics fLDAPBlockAnonOps',
  },
  {
    id: 'ldap-no-sasl',
    what: 'SASL binds (Kerberos, NTLM) are refused',
    mark: 'assumed',
    source: 'there is no Kerberos in the lab; real controllers offer GSSAPI and GSS-SPNEGO',
  },
  {
    id: 'ldap-diagnostics',
    what: 'Messages are `CODE: KIND: DSID-…, problem N (NAME), data …`; the code is the one of Windows, DSID means nothing',
    mark: 'recorded',
    source: 'messages in public reports of 00002071, 0000208D, 00002098, 000004DC, 80090308',
  },
  // Search
  {
    id: 'ldap-page-size',
    what: 'A search without pages ends after 1000 entries with 4, sizeLimitExceeded; a page has at most 1000',
    mark: 'documented',
    source: '[MS-ADTS] 3.1.1.3.4.6 MaxPageSize',
  },
  {
    id: 'ldap-page-cookie-of-connection',
    what: 'The cookie of a page is good on its connection only, and ten searches of one are remembered',
    mark: 'assumed',
    source: '[MS-ADTS] 3.1.1.3.4.6 MaxResultSetsPerConn bounds them; that others take a cookie is not said',
  },
  {
    id: 'ldap-value-range',
    what: 'At most 1500 values of an attribute in one answer, with `;range=` and the bare attribute without values beside it',
    mark: 'documented',
    source: '[MS-ADTS] 3.1.1.3.1.3.3, MaxValRange',
  },
  {
    id: 'ldap-compares-without-case-and-accents',
    what: 'Equality of text ignores case and accents: Müller is MULLER',
    mark: 'documented',
    source: '[MS-ADTS] 6.5',
  },
  {
    id: 'ldap-three-values',
    what: 'Filters on attributes that the schema lacks are neither true nor false',
    mark: 'documented',
    source: '[MS-ADTS] 3.1.1.3.1.3.1, RFC 4511 section 4.5.1.7',
  },
  {
    id: 'ldap-bit-rules',
    what: 'Bit-wise AND and OR, and the chain of a link, as extensible matches',
    mark: 'documented',
    source: '[MS-ADTS] 3.1.1.3.4.4',
  },
  {
    id: 'ldap-references',
    what: 'A search of the domain refers to the configuration partition, unless that is switched off',
    mark: 'documented',
    source: '[MS-ADTS] 3.1.1.3.1.4, LDAP_SERVER_DOMAIN_SCOPE_OID',
  },
  // Changes
  {
    id: 'ldap-dirsync',
    what: 'DirSync answers objects whole at first, then the attributes written since the cookie, and tombstones',
    mark: 'documented',
    source: '[MS-ADTS] 3.1.1.3.4.1.3',
  },
  {
    id: 'ldap-dirsync-begins-with-tombstones',
    what: 'The first DirSync answer names what was deleted before, too',
    mark: 'assumed',
    source: 'nothing says that tombstones are left out; who takes them for news is found out',
  },
  {
    id: 'ldap-dirsync-right',
    what: 'DirSync needs the right to replicate, or its object security flag; the root of a naming context and a whole subtree',
    mark: 'documented',
    source: '[MS-ADTS] 3.1.1.3.4.1.3; insufficientAccessRights with 00002105',
  },
  {
    id: 'ldap-dirsync-other-controller',
    what: 'The cookie of another controller begins anew',
    mark: 'assumed',
    source: 'real cookies carry a vector of all controllers, but what they leave out then is not promised',
  },
  {
    id: 'ldap-usn',
    what: 'uSNChanged is counted by each controller for itself, replicated writes too',
    mark: 'documented',
    source: '[MS-ADTS] 3.1.1.1.9',
  },
  {
    id: 'ldap-usn-links',
    what: 'Deleting an object takes it out of what names it without a change of those objects',
    mark: 'documented',
    source: '[MS-ADTS] 3.1.1.5.5.1.1',
  },
  {
    id: 'ldap-replication',
    what: 'Writes reach the other controller after a delay; the later version of an attribute wins, values of links are merged',
    mark: 'documented',
    source: '[MS-ADTS] 3.1.1.1.9, 3.1.1.1.11',
  },
  {
    id: 'ldap-tombstones',
    what: 'A deleted object keeps GUID, SID, account name and class under Deleted Objects, with lastKnownParent; most else is gone',
    mark: 'documented',
    source: '[MS-ADTS] 3.1.1.5.5.1.1',
  },
  // Writes
  {
    id: 'ldap-exact-values',
    what: 'Taking away a value that is not there is 16, adding one that is there is 20; for member 53 and 68',
    mark: 'recorded',
    source: 'Samba 4.17 imitates Windows: repl_meta_data.c; reports of 00000561 and 00000562',
  },
  {
    id: 'ldap-unique-names',
    what: 'sAMAccountName is unique in the domain (68, 00000524), the user principal name in the forest (19, 000021C8); addresses are not looked at',
    mark: 'documented',
    source: '[MS-ADTS] 3.1.1.5.2.2, [MS-SAMR] 3.1.1.6',
  },
  {
    id: 'ldap-unique-on-own-copy',
    what: 'Uniqueness is looked up in the copy of the controller that is written to',
    mark: 'assumed',
    source: 'two controllers can both say yes; replication then keeps both, or renames one',
  },
  {
    id: 'ldap-value-rules',
    what: 'Values too long or too many are 19, those of another syntax 21, unknown attributes 16, attributes of other classes 65',
    mark: 'documented',
    source: '[MS-ADTS] 3.1.1.5.3, 3.1.1.5.2',
  },
  {
    id: 'ldap-dangling-names',
    what: 'A name of something that is not there is refused with 32',
    mark: 'assumed',
    source: 'reports of Add-ADGroupMember; the specification asks for it without a code',
  },
  {
    id: 'ldap-links-follow',
    what: 'Names in attributes follow renames and moves at once',
    mark: 'documented',
    source: '[MS-ADTS] 3.1.1.1.6',
  },
  {
    id: 'ldap-new-account',
    what: 'A new account is disabled without a password (546), gets SID and GUID, and an account name when none is given',
    mark: 'documented',
    source: '[MS-SAMR] 3.1.1.8.10, [MS-ADTS] 3.1.1.5.2.4',
  },
  {
    id: 'ldap-rights-by-subtree',
    what: 'The restricted account writes below some DNs only (50 elsewhere), and does not see what is hidden from it (32)',
    mark: 'assumed',
    source: 'real rights are by object and attribute; what is refused looks the same',
  },
  {
    id: 'ldap-one-domain',
    what: 'A forest has one domain; the global catalogue has no port of its own',
    mark: 'assumed',
    source: 'the Samba forests of the tests have the others',
  },
  // Mail by the directory
  {
    id: 'mail-resolution',
    what: 'DNs are looked up among legacyExchangeDN and X500 addresses, others among SMTP addresses; several objects are ambiguous, 5.1.4',
    mark: 'documented',
    source: 'EXDOC recipient-resolution',
  },
  {
    id: 'mail-resolution-both-at-once',
    what: 'The legacyExchangeDN of one object and an X500 address of another make a DN ambiguous',
    mark: 'assumed',
    source: 'the page tells an order; who counts on it is found out',
  },
  {
    id: 'mail-imceaex',
    what: 'A DN that nobody has bounces with 5.1.1 as an IMCEAEX address; such addresses of the own domain are taken apart',
    mark: 'documented',
    source: 'EXDOC recipient-resolution; KB 2807779',
  },
  {
    id: 'mail-target-address',
    what: 'targetAddress redirects everything, also of a mailbox, which gets no copy; Exchange Online does not heed it for mailboxes',
    mark: 'documented',
    source: 'EXDOC recipient-resolution; Online: FIELD-NOTES §4 (practice)',
  },
  {
    id: 'mail-target-address-own',
    what: 'A redirection to an address of the same object leaves the organization when another one takes the domain, else it is a loop',
    mark: 'assumed',
    source: 'EXDOC recipient-resolution tells only of chains between objects',
  },
  {
    id: 'mail-loops',
    what: 'Objects of one organization that redirect to each other, and more than the most hops, are 5.4.6',
    mark: 'documented',
    source: 'EXDOC recipient-resolution (broken loop); Set-ReceiveConnector MaxHopCount',
  },
  {
    id: 'mail-accepted-domains',
    what: 'Who is not found in an authoritative domain bounces with 5.1.1; an internal relay sends on',
    mark: 'documented',
    source: 'PSDOC New-AcceptedDomain',
  },
  {
    id: 'mail-groups',
    what: 'Groups in groups are expanded, each once; one copy for each mailbox',
    mark: 'documented',
    source: 'EXDOC recipient-resolution',
  },
  {
    id: 'mail-require-auth',
    what: 'msExchRequireAuthToSendTo bounces senders of other organizations with 5.7.1',
    mark: 'documented',
    source: 'PSDOC Set-DistributionGroup RequireSenderAuthenticationEnabled',
  },
  {
    id: 'mail-forwarding',
    what: 'altRecipient wins over the forwarding SMTP address; deliverAndRedirect keeps a copy',
    mark: 'documented',
    source: 'PSDOC Set-Mailbox',
  },
  {
    id: 'mail-forwarding-online',
    what: 'Exchange Online stops forwarding to the outside with 5.7.520, which the sender is told',
    mark: 'assumed',
    source: 'the status is documented; who gets the report when transport forwards is not',
  },
  {
    id: 'mail-slowest-controller',
    what: 'With a replication delay transport reads the controller that hears of writes last',
    mark: 'assumed',
    source: 'each transport server reads another controller; the slowest one is the one to wait for',
  },
  {
    id: 'mail-out-of-office',
    what: 'An absence is told to each sender once until it ends, with one text inside and another outside',
    mark: 'documented',
    source: 'EWS doc: out-of-office replies; [MS-OXWOOF]',
  },
  {
    id: 'mail-inbox-rules',
    what: 'Rules that forward or redirect are run at delivery, three at most in a row; conditions: subject, sender',
    mark: 'assumed',
    source: 'loop prevention of rules is told by support articles without a number',
  },
  // Exchange
  {
    id: 'shell-enable-mailbox-plain-accounts',
    what: 'Enable-Mailbox takes an enabled account without mail attributes, not a mail user (Disable-MailUser first)',
    mark: 'assumed',
    source: 'PSDOC Enable-Mailbox: users that do not have a mailbox; the message about recipient types is from reports',
  },
  {
    id: 'shell-update-recipient',
    what: 'A recipient made over LDAP lacks legacyExchangeDN and address lists until Update-Recipient',
    mark: 'documented',
    source: 'PSDOC Update-Recipient',
  },
  {
    id: 'recipient-update-service',
    what: 'Exchange 2003 completes by itself what anybody writes, as soon as the lab lives on',
    mark: 'documented',
    source: 'Exchange 2003: Recipient Update Service; its interval is not imitated',
  },
  {
    id: 'address-policy',
    what: 'A policy makes its address the primary one and keeps the others; excluded objects, mail users and contacts are left alone',
    mark: 'documented',
    source: 'EXDOC email-address-policies; PSDOC Set-Mailbox EmailAddressPolicyEnabled',
  },
];
