import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Condition } from '../../crds/types/common.ts';
import { type Finding, isWarning, turns } from './conditions.ts';

const say = (text: string): Finding => {
  const [type, status, reason] = text.split(/[= ]/) as [Finding['type'], Finding['status'], string];
  return { type, status, reason, message: '' };
};
const was = (text: string): Condition => ({ ...say(text), lastTransitionTime: '' });

// [before, now, whether that is worth an Event]
for (const [before, now, isNews] of [
  [null, 'Accepted=True Valid', false],
  [null, 'Accepted=False Invalid', true],
  [null, 'Ready=False NotServing', false],
  ['Ready=False NotServing', 'Ready=True Serving', true],
  ['Ready=True Serving', 'Ready=False NotServing', true],
  ['Ready=False NotServing', 'Ready=False NotServing', false],
  ['Ready=False NotServing', 'Ready=False NoNodes', true],
  ['Accepted=True Valid', 'Accepted=True Other', false],
  ['Accepted=True Valid', 'Accepted=True Valid', false],
  ['Programmed=False Progressing', 'Programmed=False LastGood', true],
  ['Degraded=False AsExpected', 'Degraded=True PoolExhausted', true],
  ['Degraded=True PoolExhausted', 'Degraded=True PoolExhausted', false],
  ['Degraded=True PoolExhausted', 'Degraded=True ForeignServer', true],
] as const) {
  test(`${now} after ${before ?? 'nothing'} is ${isNews ? 'news' : 'none'}`, () => {
    const old = before === null ? [] : [was('Programmed=True Applied'), was(before)];
    assert.equal(turns([say(now)], old).length, isNews ? 1 : 0);
  });
}

for (const [finding, bad] of [
  ['Accepted=False Invalid', true],
  ['Accepted=True Valid', false],
  ['Ready=False NotServing', true],
  ['Programmed=False Progressing', false],
  ['Degraded=True PoolExhausted', true],
  ['Degraded=False AsExpected', false],
] as const) {
  test(`${finding} is ${bad ? 'a warning' : 'no warning'}`, () => {
    assert.equal(isWarning(say(finding)), bad);
  });
}
