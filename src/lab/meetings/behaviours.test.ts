import { equal, ok } from 'node:assert/strict';
import { test } from 'vitest';
import { storeBehaviours } from '../behaviours.ts';
import { meetingBehaviours } from './behaviours.ts';

test('every behaviour has a name of its own and a source', () => {
  const ids = [...storeBehaviours, ...meetingBehaviours].map(({ id }) => id);
  equal(new Set(ids).size, ids.length);
  for (const { id, source } of meetingBehaviours) ok(source.length > 3, id);
});
