// docs/migration.md shows what comes out, so that is what has to come out. UPDATE=1 writes it.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { manifestOf } from './convert.ts';
import { converted, problemsOf } from './testfiles.ts';

const GUIDE = new URL('../../docs/migration.md', import.meta.url);

test('the guide to migration shows what dhcpd.conf becomes', () => {
  const text = readFileSync(GUIDE, 'utf8');
  const [, before, conf, between, , after] =
    /^(.*```dhcpd\n)(.*?)(```\n\n```yaml\n)(.*?)(```\n.*)$/s.exec(text)!;
  const result = converted(conf!, { naming: { name: 'office' } });
  assert.deepEqual([result.findings, problemsOf(result)], [[], []]);
  const wanted = `${before}${conf}${between}${manifestOf(result)}${after}`;
  if (process.env.UPDATE === '1') writeFileSync(GUIDE, wanted);
  assert.equal(readFileSync(GUIDE, 'utf8'), wanted);
});
