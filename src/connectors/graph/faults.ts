import type { FatalCode, Fault, PoisonReason } from '#kit/fault.ts';
import type { HttpResponse } from '#kit/transport.ts';
import { retryAfterMs } from '../http/retry-after.ts';
import { isObject, type Json, objectAt, textAt } from './json.ts';

/** What a request is about: an item's refusal can be poison, a folder's cannot, but the name somebody gave to it can be refused. */
export interface Subject {
  readonly writes: boolean;
  readonly about: 'item' | 'folder' | 'name' | 'feed' | 'mailbox';
}

/** An answer that is no success. */
export interface Refusal {
  readonly status: number;
  readonly headers: HttpResponse['headers'];
  readonly body: Json | undefined;
  /** For words: `POST importItem for a@b`. No query and no path of an import in it. */
  readonly what: string;
  readonly nowMs: number;
}

/** Places of a feed that the service no longer knows (GDOC `delta-query-overview.md`; codes as Corso `api/graph/errors.go` has them). */
const lostPlaces = words(
  'SyncStateNotFound SyncStateInvalid ResyncRequired ErrorInvalidSyncStateData ErrorSyncStateNotFound',
);
const gone = words(
  'ErrorItemNotFound ErrorFolderNotFound ErrorSyncFolderNotFound ErrorParentFolderNotFound ErrorToFolderNotFound itemNotFound ErrorInvalidIdMalformed ErrorInvalidFolderId',
);
const noMailbox = words(
  'ErrorInvalidUser ErrorNonExistentMailbox MailboxNotEnabledForRESTAPI MailboxNotSupportedForRESTAPI MailboxNotFound Request_ResourceNotFound ResourceNotFound ErrorMailboxConfiguration ErrorMissingExchangePrincipal',
);
const stale = words('ErrorIrresolvableConflict ErrorStaleObject ErrorChangeKeyRequired ErrorInvalidChangeKey');
const tooLarge = words(
  'ErrorMessageSizeExceeded RequestTooLarge ErrorRequestTooLarge ErrorAttachmentSizeLimitExceeded ErrorDataSizeLimitExceeded RequestEntityTooLarge',
);
const damaged = words(
  'ErrorCorruptData ErrorItemCorrupt ErrorCannotOpenFileAttachment ErrorMimeContentConversionFailed ErrorContentConversionFailed ErrorMimeContentInvalid ErrorItemSave ErrorItemSavePropertyError ErrorPropertyValidationFailure ErrorInvalidPropertySet ErrorInvalidRecipients ErrorVirusDetected ErrorMessageBlocked ErrorInvalidExtendedPropertyValue ErrorImportFailed ErrorInvalidFastTransferData',
);
const throttled = words(
  'ApplicationThrottled TooManyRequests activityLimitReached ErrorServerBusy ErrorTooManyRequests MailboxConcurrency',
);

function words(text: string): ReadonlySet<string> {
  return new Set(text.split(' ').map((word) => word.toLowerCase()));
}

/** Code and message of an OData error; empty texts for anything else. */
function errorIn(body: Json | undefined): { readonly code: string; readonly message: string } {
  const error = isObject(body) ? (objectAt(body, 'error') ?? objectAt(body, 'Error')) : null;
  return {
    code: error === null ? '' : (textAt(error, 'code') ?? textAt(error, 'Code') ?? ''),
    message: error === null ? '' : (textAt(error, 'message') ?? textAt(error, 'Message') ?? ''),
  };
}

/** Wait that follows a refusal without Retry-After; the connector doubles it with each in a row. */
const unnamedWaitMs = 1_000;

/** Whether a limit is one of a front end, which never looked at a mailbox. */
export const isOfFrontEnd = (limit: string): boolean => limit.startsWith('HTTP');

/**
 * What a refusal asks of us. Every answer of the Graph passes here once, those in a batch too.
 *
 * @param unnamedMs How long to wait when the service asks for a pause and does not say for how long.
 */
export function faultOf(
  refusal: Refusal,
  { writes, about }: Subject,
  unnamedMs: () => number = () => unnamedWaitMs,
): Fault {
  const { status, what } = refusal;
  const { code, message } = errorIn(refusal.body);
  const known = code.toLowerCase();
  const detail = `${what}: HTTP ${status}${code === '' ? '' : ` ${code}`}${message === '' ? '' : `: ${sentence(message)}`}`;
  const fatal = (fatalCode: FatalCode, advice: string): Fault => ({
    kind: 'fatal',
    code: fatalCode,
    detail: `${detail}. ${advice}`,
  });
  const poison = (reason: PoisonReason): Fault => ({ kind: 'poison', reason, detail });

  if (status === 429 || throttled.has(known) || status === 503 || (status === 504 && !writes)) {
    const named = retryAfterMs(refusal.headers['retry-after'], refusal.nowMs);
    // 429 is about this application and this mailbox; the others come from a front end that never looked at a mailbox.
    const limit = status === 503 || status === 504 ? `HTTP ${status}` : code || 'too many requests';
    return { kind: 'throttled', retryAfterMs: named === null || named === 0 ? unnamedMs() : named, limit };
  }
  if (lostPlaces.has(known) || (status === 410 && about === 'feed')) return { kind: 'cursor-lost' };
  if (noMailbox.has(known))
    return fatal(
      'mailbox-gone',
      'There is no mailbox in Exchange Online behind this address: look at the address, at the licence of the user, and whether the mailbox is still on premises',
    );
  if (status === 412 || stale.has(known)) return { kind: 'stale', detail };
  if (known === 'errorfolderexists' || (status === 409 && about === 'name'))
    return { kind: 'stale', detail: 'a folder of this name exists' };
  if (status === 413 || tooLarge.has(known)) return about === 'item' ? poison('too-large') : fatal('protocol', tooBig);
  if (known === 'errorquotaexceeded' || known === 'errormessageperfoldercountreceivequotaexceeded')
    return fatal('quota', 'The mailbox is full: raise its quota, or empty it');
  if (status === 404 || status === 410 || gone.has(known)) {
    // The address of a mailbox that is not there is answered without any code by some front ends.
    return about === 'mailbox' && !gone.has(known)
      ? fatal('mailbox-gone', 'There is no such mailbox in this tenant')
      : { kind: 'gone', detail };
  }
  if (status === 401)
    return fatal('auth', 'The sign-in was refused: look at signIn.tenant, signIn.clientId and the credential');
  if (status === 403) return fatal('access-denied', forbidden);
  if (damaged.has(known)) {
    if (about === 'name') return poison('name-refused');
    if (about === 'item') return poison(writes ? 'refused-by-target' : 'corrupt');
  }
  if (status === 400 && about === 'name') return poison('name-refused');
  if (status === 400 && about === 'item' && writes) return poison('refused-by-target');
  if (status === 400 && about === 'feed' && /token|sync ?state/i.test(message)) return { kind: 'cursor-lost' };
  // Of an upload session: it has another range in mind, and says which when it is asked.
  if (status === 416) return { kind: 'transient', detail, mayHaveHappened: false };
  if (status === 408 || status === 424 || status >= 500)
    return { kind: 'transient', detail, mayHaveHappened: writes && status !== 424 };
  return fatal('protocol', 'The request was not understood as it was meant; report this with the words above');
}

const tooBig = 'The request is over the limit of the service (4 MB)';
const forbidden =
  'The application may not do this here: a permission is missing or without admin consent, its scope (RBAC for Applications) leaves out this mailbox, or the licence of the user lacks it. docs/operating/exchange-online.md lists what is needed';

/** The service goes on with ids of its own for support; the first sentence is for people. */
const sentence = (message: string): string => (message.split(/\r|\n|\. /)[0] ?? '').slice(0, 300);
