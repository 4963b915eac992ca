import type { WavePlan } from '#jobs/waves/plan-waves.ts';

/** Who works in whose mailbox, in the language of Graphviz: waves as boxes, what they part in red. */
export function wavesAsDot({ waves, ties, cuts }: WavePlan, nameOf: (person: string) => string): string {
  const cut = new Set(cuts.map(({ tie }) => tie));
  const quoted = (text: string) => `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', ' ')}"`;
  const node = (person: string) => quoted(nameOf(person));
  return [
    'graph waves {',
    '  node [shape=box, fontname="sans-serif"];',
    ...waves.flatMap(({ day, people }, at) => [
      `  subgraph cluster_${at + 1} {`,
      `    label=${quoted(`wave ${at + 1}${day === null ? '' : `, ${day}`}`)};`,
      ...people.map((person) => `    ${node(person)};`),
      '  }',
    ]),
    ...ties.map(
      (tie) =>
        `  ${node(tie.a)} -- ${node(tie.b)} [label=${quoted(tie.reason)}${cut.has(tie) ? ', color=red, style=dashed' : ''}];`,
    ),
    '}',
    '',
  ].join('\n');
}
