import type { Context } from '../../contract.ts';
import type { Known } from './forest.ts';
import { anyOf, equal } from './ldap-filter.ts';

/** What an attribute's values are, as far as we must know. */
export interface AttributeShape {
  /** As the schema writes it. */
  readonly name: string;
  /** `dn`: the server compares by the object that is named. `bytes`: anything that is not text. */
  readonly form: 'text' | 'dn' | 'bytes';
  readonly isSingle: boolean;
}

/** Octet strings, SIDs and security descriptors ([MS-ADTS] 3.1.1.2.2.2). */
const byteSyntaxes: ReadonlySet<string> = new Set(['2.5.5.10', '2.5.5.15', '2.5.5.17']);
const dnSyntaxes: ReadonlySet<string> = new Set(['2.5.5.1', '2.5.5.7', '2.5.5.14']);

/** For a server whose schema cannot be read: octet strings by name; all others are taken for text. */
const knownBytes: ReadonlySet<string> = new Set(
  [
    ...['objectGUID', 'objectSid', 'sIDHistory', 'mS-DS-ConsistencyGuid', 'msExchMailboxGuid', 'msExchArchiveGUID'],
    ...[
      'msExchMasterAccountSid',
      'msExchPreviousMailboxGuid',
      'msExchMailboxSecurityDescriptor',
      'nTSecurityDescriptor',
    ],
    ...['msExchSafeSendersHash', 'msExchSafeRecipientsHash', 'msExchBlockedSendersHash', 'thumbnailPhoto', 'jpegPhoto'],
    ...[
      'userCertificate',
      'userSMIMECertificate',
      'userPKCS12',
      'unicodePwd',
      'logonHours',
      'parentGUID',
      'invocationId',
    ],
  ].map((name) => name.toLowerCase()),
);
const knownDns: ReadonlySet<string> = new Set(
  [
    ...['member', 'memberOf', 'manager', 'managedBy', 'directReports', 'publicDelegates', 'altRecipient', 'homeMDB'],
    ...['authOrig', 'unauthOrig', 'dLMemSubmitPerms', 'dLMemRejectPerms', 'msExchDelegateListLink'],
  ].map((name) => name.toLowerCase()),
);

function shapeByName(name: string): AttributeShape {
  const key = name.toLowerCase();
  const form = knownBytes.has(key) ? 'bytes' : knownDns.has(key) ? 'dn' : 'text';
  return { name, form, isSingle: false };
}

/** Attributes asked for in one search. */
const batchMax = 100;

/** The schema, read as far as somebody asks for it. It changes when Exchange is set up, which a new start notices. */
export class AttributeShapes {
  readonly #home: (context: Context) => Promise<Known>;
  /** By lower-case name; null: this schema has no such attribute. */
  readonly #known = new Map<string, AttributeShape | null>();
  #isReadable: boolean | null = null;

  constructor(home: (context: Context) => Promise<Known>) {
    this.#home = home;
  }

  /** By lower-case name; those that the schema lacks are left out. */
  async of(names: readonly string[], context: Context): Promise<ReadonlyMap<string, AttributeShape>> {
    const asked = [...new Set(names)];
    const unknown = asked.filter((name) => !this.#known.has(name.toLowerCase()));
    for (let at = 0; at < unknown.length; at += batchMax) await this.#read(unknown.slice(at, at + batchMax), context);
    const found = new Map<string, AttributeShape>();
    for (const name of asked) {
      const shape = this.#known.get(name.toLowerCase());
      if (shape) found.set(name.toLowerCase(), shape);
    }
    return found;
  }

  async #read(names: readonly string[], context: Context): Promise<void> {
    // An attribute that every directory of this kind has tells a schema that lacks a name from one that cannot be read.
    const asked = this.#isReadable === null ? [...names, 'objectGUID'] : names;
    const { controller, identity } = await this.#home(context);
    if (this.#isReadable !== false && identity.schemaDn !== '') {
      const entries = await controller.searchAll(
        {
          base: identity.schemaDn,
          scope: 'one',
          filter: anyOf(...asked.map((name) => equal('lDAPDisplayName', name))),
          attributes: ['lDAPDisplayName', 'attributeSyntax', 'isSingleValued'],
          isLearning: true,
        },
        context,
      );
      for (const { values } of entries) {
        const text = (name: string) => values.get(name)?.[0]?.toString('utf8') ?? '';
        const [name, syntax] = [text('lDAPDisplayName'), text('attributeSyntax')];
        const form = byteSyntaxes.has(syntax) ? 'bytes' : dnSyntaxes.has(syntax) ? 'dn' : 'text';
        this.#known.set(name.toLowerCase(), {
          name,
          form,
          isSingle: text('isSingleValued') === 'TRUE',
        });
      }
      this.#isReadable ??= this.#known.has('objectguid');
    } else this.#isReadable = false;
    for (const name of asked) {
      const key = name.toLowerCase();
      if (!this.#known.has(key)) this.#known.set(key, this.#isReadable ? null : shapeByName(name));
    }
  }
}
