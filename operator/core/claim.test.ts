import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubeMeta } from '../../crds/client/kube.ts';
import { type Claim, claimOf } from './claim.ts';
import { decideServer } from './decide.ts';
import { childOf, gathered, server } from './testworld.ts';

const wanted = childOf(decideServer(gathered(server())), 'ConfigMap');
const { labels = {}, ownerReferences: [owner] = [] } = wanted.metadata;
const controller = { ...owner!, uid: 'another' };

const ROWS: readonly (readonly [string, Partial<KubeMeta>, Claim])[] = [
  ['owned by the object', { ownerReferences: [owner!] }, 'ours'],
  ['owned, its labels taken off', { labels: {}, ownerReferences: [owner!] }, 'ours'],
  [
    'owned by two, of which one is the object',
    { ownerReferences: [{ ...controller, controller: false }, owner!] },
    'ours',
  ],
  ['ours by its labels, and owned by nobody', { labels }, 'orphan'],
  ['owned by an earlier object of that name', { labels, ownerReferences: [controller] }, 'leaving'],
  [
    'owned by an object of another name',
    { labels, ownerReferences: [{ ...controller, name: 'b' }] },
    'foreign',
  ],
  [
    'owned by an object of another kind',
    { labels, ownerReferences: [{ ...controller, kind: 'DhcpRelay' }] },
    'foreign',
  ],
  ['owned by nobody, and without a label', {}, 'foreign'],
  ['with the labels of another', { labels: { 'app.kubernetes.io/name': 'web' } }, 'foreign'],
  [
    'ours by its labels, of another object',
    { labels: { ...labels, 'app.kubernetes.io/instance': 'b' } },
    'foreign',
  ],
];

for (const [name, metadata, claim] of ROWS)
  test(`${name}: ${claim}`, () => {
    const { apiVersion, kind } = wanted;
    const { name: called } = wanted.metadata;
    assert.equal(
      claimOf({ apiVersion, kind, metadata: { name: called, ...metadata } }, wanted),
      claim,
    );
  });
