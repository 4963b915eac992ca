export interface InitAnswers {
  /** Path of the JSON Schema, from the folder of the file. */
  readonly schema: string;
  /** EWS addresses. */
  readonly source: string;
  readonly target: string;
  readonly sourceUser: string;
  readonly targetUser: string;
  /** `source -> target`. */
  readonly pairs: readonly string[];
}

/** The commented project file that `init` writes. It passes the checks of the project room as it is. */
export function projectTemplate({ schema, source, target, sourceUser, targetUser, pairs }: InitAnswers): string {
  const quoted = (text: string) => `'${text.replaceAll("'", "''")}'`;
  const listed = pairs.length > 0 ? pairs : ['ana@old.example -> ana@new.example'];
  return `# yaml-language-server: $schema=${schema}
#
# Project of Causeway: what is migrated from where to where. Every key is explained in docs/operating/project-file.md.
# Secrets never stand here, only references to them: env:NAME or file:PATH (a file that only you can read).
version: 1

organizations:
  source:
    kind: exchange
    endpoint: ${source}
    # autodiscover: old.example        # instead of endpoint: a domain whose Autodiscover is asked
    signIn:
      method: ntlm                      # basic, ntlm or oauth
      user: ${quoted(sourceUser)}
      password: env:CAUSEWAY_SOURCE_PASSWORD
    # impersonation: true               # ApplicationImpersonation; false: the account has full access to each mailbox
    # tls: { ca: ca.pem, min: 1.2 }     # an own certification authority; verification cannot be switched off
    # redirectHosts: ['*.old.example']  # hosts the server may send us to
    # budgets: { inFlight: 10, perMailbox: { inFlight: 3 } }
    # directory: { url: ldaps://dc1.old.example, user: 'OLD\\svc', password: env:CAUSEWAY_SOURCE_LDAP, domains: [old.example] }
  target:
    kind: exchange
    endpoint: ${target}
    signIn:
      method: ntlm
      user: ${quoted(targetUser)}
      password: env:CAUSEWAY_TARGET_PASSWORD

collections:
  first:
    source: source
    target: target
    pairs:
      list:
${listed.map((pair) => `        - ${quoted(pair)}`).join('\n')}
      # file: people.csv                # a header line "source,target", then one pair a line
      # rule: '*@old.example -> *@new.example'   # makes the target where none is given
    # calendar: { direction: both }     # keeps calendars in step both ways; also contacts, tasks, notes
    # lagObjective: 60 s                # status warns before a change takes longer
    # folders:
    #   exclude: ['@junkemail', '**/Old']
    #   map: { 'Ablage': 'Archive/Ablage' }
    # since: 2015-01-01                 # items received before this day stay behind
    # itemMax: 50 MB                    # larger items stay behind and are listed
    # policy:
    #   conflict: target                # who wins when both sides changed the same thing
    #   maxDelete: { share: 20%, atLeast: 10 }
    # schedule: { zone: Europe/Vienna, windows: ['mon-fri 19:00-06:00', 'sat,sun 00:00-24:00'] }

# Who exists on both sides, with which addresses: docs/operating/directory.md. Both organizations need a directory block.
# directory:
#   main:
#     source: source
#     target: target
#     scope: { source: { under: ['OU=Staff,DC=old,DC=example'] } }
#     into: { target: 'OU=From old,DC=new,DC=example', source: 'OU=From new,DC=old,DC=example' }
#     routing: { source: old.routing.example, target: new.routing.example }

# Where Causeway remembers what it did. One file beside this one; PostgreSQL for more than one machine.
# store: sqlite:.causeway/causeway.db
`;
}
