import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { mergeOutcomes } from '#engine/merge-outcomes.ts';
import { engineBackend } from './engine-world.ts';
import { readScenarios, runScenario } from './run-scenario.ts';

const folder = new URL('.', import.meta.url);
const scenarios = readdirSync(folder)
  .filter((name) => name.endsWith('.txt'))
  .sort()
  .flatMap((name) => readScenarios(name, readFileSync(new URL(name, folder), 'utf8')));

describe.each([...new Set(scenarios.map((s) => s.file))])('%s', (file) => {
  for (const scenario of scenarios.filter((s) => s.file === file)) {
    test(scenario.title, () => runScenario(scenario, engineBackend));
  }
});

test('there are enough of them, with titles of their own', () => {
  expect(scenarios.length).toBeGreaterThanOrEqual(60);
  expect(new Set(scenarios.map((s) => s.title)).size).toBe(scenarios.length);
});

test('every outcome that goes to the journal has a scenario', () => {
  const text = scenarios.flatMap((s) => s.lines.map((l) => l.text)).join('\n');
  expect(Object.keys(mergeOutcomes).filter((outcome) => !text.includes(`outcome=${outcome}`))).toEqual([]);
});

test.each([
  ['an expectation that is wrong', 'given single "A" on both\nsync\nexpect both event "A" location=Paris'],
  ['a line that nobody understands', 'given single "A" on both\nleft paint "A" red'],
  ['a word that nobody understands', 'given single "A" on both purple'],
  ['a journal that holds nothing', 'given single "A" on both\nsync\nexpect journal field=location'],
  ['an item that is not there', 'given single "A" on left\nexpect both one "A"'],
])('%s fails', async (_what, text) => {
  const [scenario] = readScenarios('none.txt', `# x\n${text}`);
  if (!scenario) throw new Error('no scenario');
  await expect(runScenario(scenario, engineBackend)).rejects.toThrow(/none\.txt:\d/);
});
