import { describe, expect, test } from 'vitest';
import { switchStates } from '#model/switch.ts';
import { type SwitchEvent, transition } from './transitions.ts';

const events: readonly SwitchEvent[] = [
  { event: 'switch', force: false },
  { event: 'switch', force: true },
  { event: 'steps-done' },
  { event: 'undo' },
  { event: 'undone' },
  { event: 'finish' },
];

describe('transition', () => {
  test('every event leads somewhere or is refused with what to do', () => {
    for (const state of switchStates)
      for (const event of events) {
        const answer = transition(state, event);
        if ('refused' in answer) expect(answer.refused.length).toBeGreaterThan(10);
        else expect(switchStates).toContain(answer.to);
      }
  });

  test('a measure never moves a pair that is on its way', () => {
    for (const state of ['switching', 'switched', 'undoing', 'finished'] as const)
      expect(transition(state, { event: 'measured', as: 'new' })).toEqual({ to: state });
    expect(transition('ready', { event: 'measured', as: 'syncing' })).toEqual({ to: 'syncing' });
  });

  test('what is not ready is switched only by force, and what is not there never', () => {
    expect(transition('syncing', { event: 'switch', force: false })).toHaveProperty('refused');
    expect(transition('syncing', { event: 'switch', force: true })).toEqual({ to: 'switching' });
    expect(transition('new', { event: 'switch', force: true })).toHaveProperty('refused');
  });

  test('a switch that broke off can be gone on with or taken back', () => {
    expect(transition('switching', { event: 'switch', force: false })).toEqual({ to: 'switching' });
    expect(transition('switching', { event: 'undo' })).toEqual({ to: 'undoing' });
    expect(transition('finished', { event: 'undo' })).toHaveProperty('refused');
  });
});
