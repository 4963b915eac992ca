import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { z } from 'zod';
import type { PeerContext } from './suite.ts';

const vitestReport = z.object({
  testResults: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      message: z.string().optional(),
      assertionResults: z.array(
        z.object({ fullName: z.string(), status: z.string(), failureMessages: z.array(z.string()).nullish() }),
      ),
    }),
  ),
});

/** Passes on what the test runner counted. A file that did not load is one failure. */
export function recordTests(context: PeerContext, reportFile: string): void {
  const { testResults } = vitestReport.parse(JSON.parse(readFileSync(reportFile, 'utf8')));
  for (const file of testResults) {
    const path = relative(context.root, file.name);
    if (file.status === 'failed' && file.assertionResults.length === 0)
      context.record(path, file.message ?? 'did not load');
    for (const { fullName, status, failureMessages } of file.assertionResults) {
      if (status === 'passed') context.record(`${path} ${fullName}`, null);
      else if (status === 'failed')
        context.record(`${path} ${fullName}`, failureMessages?.[0]?.split('\n')[0] ?? 'failed');
      else context.leftOut(`${path} ${fullName}`, `the test itself was ${status}`);
    }
  }
}
