import { describe, expect, test } from 'vitest';
import type { FolderId, ItemId, Version } from '#model/ids.ts';
import type { WatchEvent } from '../contract.ts';
import { WatchQueue } from './watch-queue.ts';

const changed = (address: string): WatchEvent => ({ kind: 'changed', address });
const missed = (address: string): WatchEvent => ({ kind: 'missed', address, why: 'gap' });

test('one event waits for each mailbox, the strongest', async () => {
  const queue = new WatchQueue();
  for (let n = 0; n < 1000; n++) queue.put(changed('ana'));
  queue.put(missed('ben'));
  queue.put(changed('ben'));
  queue.put(changed('cleo'));
  queue.put({ kind: 'unwatchable', address: 'cleo', why: 'x' });
  queue.end();
  const events: WatchEvent[] = [];
  for await (const event of queue.events(new AbortController().signal)) events.push(event);
  expect(events).toEqual([changed('ana'), missed('ben'), { kind: 'unwatchable', address: 'cleo', why: 'x' }]);
});

test('what is told of one kind does not hide what is told of another', async () => {
  const queue = new WatchQueue();
  const told: readonly WatchEvent[] = (['mail', 'calendar', 'mail'] as const).map((content) => ({
    kind: 'changed',
    address: 'ana',
    content,
  }));
  for (const event of told) queue.put(event);
  queue.put({ ...changed('ben'), content: 'mail' } as WatchEvent);
  queue.put(changed('ben'));
  queue.end();
  const events: WatchEvent[] = [];
  for await (const event of queue.events(new AbortController().signal)) events.push(event);
  expect(events).toEqual([told[0], told[1], changed('ben')]);
});

test('wakes its reader, and ends without an error when it is aborted', async () => {
  const queue = new WatchQueue();
  const stop = new AbortController();
  const events: string[] = [];
  const reading = (async () => {
    for await (const event of queue.events(stop.signal)) events.push(event.kind);
  })();
  await new Promise((resolve) => setTimeout(resolve, 5));
  queue.put(changed('ana'));
  await new Promise((resolve) => setTimeout(resolve, 5));
  queue.put(missed('ana'));
  await new Promise((resolve) => setTimeout(resolve, 5));
  stop.abort();
  await reading;
  expect(events).toEqual(['changed', 'missed']);
});

test('hands a broken assumption to its reader', async () => {
  const queue = new WatchQueue();
  queue.fail(new Error('ours'));
  await expect(queue.events(new AbortController().signal).next()).rejects.toThrow('ours');
});

describe('folders', () => {
  const inFolder = (address: string, folder: string): WatchEvent => ({
    kind: 'changed',
    address,
    folder: folder as FolderId,
  });
  const heard = async (...events: readonly WatchEvent[]): Promise<readonly WatchEvent[]> => {
    const queue = new WatchQueue();
    for (const event of events) queue.put(event);
    queue.end();
    const read: WatchEvent[] = [];
    for await (const event of queue.events(new AbortController().signal)) read.push(event);
    return read;
  };

  test('each is told once', async () => {
    const [one, two] = [inFolder('ana', 'calendar'), inFolder('ana', 'inbox')];
    expect(await heard(one, two, one, one)).toEqual([one, two]);
  });
  test('an event about all of the mailbox takes the place of those about folders', async () => {
    expect(await heard(inFolder('ana', 'inbox'), changed('ana'), inFolder('ana', 'inbox'))).toEqual([changed('ana')]);
    expect(await heard(inFolder('ana', 'inbox'), missed('ana'))).toEqual([missed('ana')]);
  });
  test('too many are all of the mailbox', async () => {
    const many = Array.from({ length: 17 }, (_, n) => inFolder('ana', `folder ${n}`));
    expect(await heard(...many.slice(0, 16))).toHaveLength(16);
    expect(await heard(...many)).toEqual([changed('ana')]);
  });

  describe('items', () => {
    const about = (...ids: readonly string[]): WatchEvent => ({
      kind: 'changed',
      address: 'ana',
      folder: 'calendar' as FolderId,
      items: ids.map((id) => ({ id: id as ItemId, version: '1' as Version })),
    });
    test('of several events are told together', async () => {
      expect(await heard(about('a'), about('b', 'a'))).toEqual([about('a', 'b', 'a')]);
    });
    test('are not told when something else happened, too, or when they are many', async () => {
      const plain = inFolder('ana', 'calendar');
      expect(await heard(about('a'), plain)).toEqual([plain]);
      expect(await heard(plain, about('a'))).toEqual([plain]);
      expect(await heard(...Array.from({ length: 33 }, (_, n) => about(`${n}`)))).toEqual([plain]);
    });
  });
});
