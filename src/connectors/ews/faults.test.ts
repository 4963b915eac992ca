import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { reference } from '#formats/text/reference.fixture.ts';
import { attribute, childText, descendants, parseXmlBytes } from '#formats/text/xml-read.ts';
import { faultOfCode, faultOfMessage, faultOfSoapFault, isKnownCode } from './faults.ts';
import { foreignCodes } from './foreign-codes.fixture.ts';
import { messagesNamespace, soapNamespace } from './namespaces.ts';
import { aboutFolders, aboutItems, aboutNames } from './operation.ts';

const ews = reference('protocol/ews');
const reading = aboutItems(false);
const writing = aboutItems(true);

describe.skipIf(ews === null)('response codes', () => {
  const schemas =
    ews === null ? [] : [ews, ...readdirSync(join(ews, 'versions')).map((version) => join(ews, 'versions', version))];
  const codes = new Set(
    schemas.flatMap((path) => {
      const list =
        /name="ResponseCodeType"[\s\S]*?<\/xs:simpleType>/.exec(
          readFileSync(join(path, 'messages.xsd'), 'utf8'),
        )?.[0] ?? '';
      return [...list.matchAll(/value="(Error\w+)"/g)].map(([, code]) => code ?? '');
    }),
  );

  test('the schemas were read', () => expect(codes.size).toBeGreaterThan(500));
  test('every code is in the table or belongs to operations that are not called', () => {
    expect([...codes].filter((code) => isKnownCode(code) === foreignCodes.has(code))).toEqual([]);
  });
});

describe.skipIf(ews === null)('recorded and published errors', () => {
  const folder = join(ews ?? '', 'fixtures');
  const files =
    ews === null
      ? []
      : readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.xml'));
  const found: string[] = [];
  for (const name of files) {
    const text = readFileSync(join(folder, name), 'utf8');
    if (!/ResponseClass="Error"|Fault>/.test(text)) continue;
    found.push(name);
    test(name, () => {
      let root: ReturnType<typeof parseXmlBytes>['root'];
      try {
        root = parseXmlBytes(text).root;
      } catch {
        // A few published samples are cut short or not XML; what readers do with that is tested with the client.
        return;
      }
      for (const fault of descendants(root, soapNamespace, 'Fault')) {
        const result = faultOfSoapFault(fault, writing);
        expect(['transient', 'throttled', 'fatal', 'poison']).toContain(result.kind);
        if (text.includes('ErrorServerBusy') || text.includes('ErrorExceededConnectionCount'))
          expect(result.kind).toBe('throttled');
        if (text.includes('ErrorSchemaValidation')) expect(result).toMatchObject({ kind: 'fatal', code: 'protocol' });
      }
      const messages = [...[root], ...root.children, ...root.children.flatMap((one) => [...descendantsOf(one)])].filter(
        (one) => attribute(one, 'ResponseClass') === 'Error',
      );
      for (const message of messages) {
        const code = childText(message, messagesNamespace, 'ResponseCode');
        if (code === null) continue;
        expect(isKnownCode(code) || foreignCodes.has(code), code).toBe(true);
        expect(faultOfMessage(message, reading)).not.toBeNull();
      }
    });
  }
  test('there are such', () => expect(found.length).toBeGreaterThan(60));
});

function* descendantsOf(element: ReturnType<typeof parseXmlBytes>['root']): Generator<typeof element> {
  yield element;
  for (const inner of element.children) yield* descendantsOf(inner);
}

test.each([
  [
    'ErrorServerBusy',
    new Map([
      ['BackOffMilliseconds', '297749'],
      ['Policy', 'MaxConcurrency'],
    ]),
    { kind: 'throttled', retryAfterMs: 297_749, limit: 'MaxConcurrency' },
  ],
  [
    'ErrorServerBusy',
    new Map([['BackOffMilliseconds', '0']]),
    { kind: 'throttled', retryAfterMs: 1000, limit: 'ErrorServerBusy' },
  ],
  ['ErrorServerBusy', new Map([['BackOffMilliseconds', 'soon']]), { kind: 'throttled', retryAfterMs: 1000 }],
  ['ErrorServerBusy', new Map([['BackOffMilliseconds', '99999999999']]), { kind: 'throttled', retryAfterMs: 900_000 }],
  ['ErrorExceededConnectionCount', new Map(), { kind: 'throttled' }],
  ['ErrorInternalServerError', new Map([['InnerErrorResponseCode', 'ErrorServerBusy']]), { kind: 'throttled' }],
] as const)('%s with details', (code, details, expected) => {
  expect(faultOfCode(code, '', writing, details)).toMatchObject(expected);
});

test.each([
  ['ErrorInternalServerTransientError', writing, { kind: 'transient', mayHaveHappened: true }],
  ['ErrorBatchProcessingStopped', writing, { kind: 'transient', mayHaveHappened: false }],
  ['ErrorTimeoutExpired', writing, { kind: 'transient', mayHaveHappened: true }],
  ['ErrorTimeoutExpired', reading, { kind: 'transient', mayHaveHappened: false }],
  ['ErrorOfNextYear', writing, { kind: 'transient', mayHaveHappened: true }],
  ['ErrorIrresolvableConflict', writing, { kind: 'stale' }],
  ['ErrorFolderExists', aboutNames, { kind: 'stale', detail: 'a folder of this name exists' }],
  ['ErrorItemNotFound', reading, { kind: 'gone' }],
  ['ErrorSyncFolderNotFound', aboutFolders(false), { kind: 'gone' }],
  ['ErrorInvalidSyncStateData', aboutFolders(false), { kind: 'cursor-lost' }],
  ['ErrorMessageSizeExceeded', writing, { kind: 'poison', reason: 'too-large' }],
  ['ErrorMimeContentInvalid', writing, { kind: 'poison', reason: 'refused-by-target' }],
  ['ErrorMimeContentConversionFailed', reading, { kind: 'poison', reason: 'corrupt' }],
  ['ErrorCorruptData', reading, { kind: 'poison', reason: 'corrupt' }],
  ['ErrorInvalidItemForOperationCreateItem', writing, { kind: 'poison', reason: 'class-refused' }],
  ['ErrorAccessDenied', reading, { kind: 'poison', reason: 'access-denied' }],
  ['ErrorAccessDenied', aboutFolders(false), { kind: 'fatal', code: 'access-denied' }],
  ['ErrorCreateItemAccessDenied', writing, { kind: 'poison', reason: 'send-only-folder' }],
  ['ErrorFolderSavePropertyError', aboutNames, { kind: 'poison', reason: 'name-refused' }],
  ['ErrorQuotaExceeded', writing, { kind: 'fatal', code: 'quota' }],
  ['ErrorNonExistentMailbox', aboutFolders(false), { kind: 'fatal', code: 'mailbox-gone' }],
  ['ErrorImpersonateUserDenied', aboutFolders(false), { kind: 'fatal', code: 'access-denied' }],
  ['ErrorAccountDisabled', aboutFolders(false), { kind: 'fatal', code: 'auth' }],
] as const)('%s (%o)', (code, subject, expected) => {
  expect(faultOfCode(code, 'text', subject)).toMatchObject(expected);
});
